// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/host_questions.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "host/service-manager/protocol.h"
#include "parcel/writer.h"

namespace netbinder {

namespace {

std::optional<std::uint32_t> word(ParcelReader& message) {
  const auto value = message.i32();
  return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

// A text as libbinder's byte arrays are: its length, its bytes, and their padding.
void put_text(ParcelWriter& writer, std::string_view text) {
  writer.u32(static_cast<std::uint32_t>(text.size()));
  for (std::size_t at = 0; at < text.size(); at += sizeof(std::uint32_t)) {
    std::uint32_t padded = 0;
    std::memcpy(&padded, text.data() + at, std::min(sizeof padded, text.size() - at));
    writer.u32(padded);
  }
}

std::optional<std::string> text(ParcelReader& message, std::size_t most_bytes) {
  const auto size = word(message);
  if (!size || *size > most_bytes) return std::nullopt;
  const auto bytes = message.take(*size);
  if (!bytes) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(*bytes), *size);
}

}  // namespace

// ---- the host that asks ----

void HostQuestions::ask(HostId host, std::uint32_t uid, const std::string& question, Heard heard) {
  if (!managers_.contains(host)) return heard(std::unexpected("it is not connected"));
  if (question.size() > kMaxQuestionBytes) return heard(std::unexpected("the question is too long"));
  if (asked_.size() >= kMaxAsked) {
    end(asked_.begin(), std::unexpected("it has not answered, and too much was asked since"));
  }
  const std::uint32_t number = next_++;
  asked_.emplace(number, Asked{.host = host, .answer = {}, .heard = std::move(heard)});
  ParcelWriter writer;
  writer.u32(number);
  writer.u32(uid);
  put_text(writer, question);
  managers_.call(host, kPeerQuestion, writer.take());
}

void HostQuestions::peer_answers(HostId from, ParcelReader& message) {
  const auto number = word(message);
  const auto offset = word(message);
  const auto total = word(message);
  const auto part = text(message, kPartBytes);
  if (!number || !offset || !total || !part) return;
  const auto found = asked_.find(*number);
  if (found == asked_.end() || found->second.host != from) return;
  Asked& asked = found->second;
  if (*offset != asked.answer.size() || *total > kMaxAnswerBytes ||
      part->size() > *total - asked.answer.size() || (part->empty() && *total != *offset)) {
    return end(found, std::unexpected("its answer makes no sense"));
  }
  asked.answer += *part;
  if (asked.answer.size() == *total) return end(found, std::move(asked.answer));
  ParcelWriter writer;
  writer.u32(*number);
  writer.u32(static_cast<std::uint32_t>(asked.answer.size()));
  managers_.call(from, kPeerFetch, writer.take());
}

void HostQuestions::end(std::map<std::uint32_t, Asked>::iterator asked,
                        std::expected<std::string, std::string> how) {
  const Heard heard = std::move(asked->second.heard);
  asked_.erase(asked);
  heard(std::move(how));
}

// ---- the host that is asked ----

void HostQuestions::peer_asks(HostId from, ParcelReader& message) {
  const auto number = word(message);
  const auto uid = word(message);
  auto question = text(message, kMaxQuestionBytes);
  if (!answer_ || !number || !uid || !question) return;
  Kept& kept = kept_[from];
  if (!kept.emplace(*number, std::nullopt).second) return;
  if (kept.size() > kMaxKeptForHost) {
    const auto oldest = kept.begin();
    kept.erase(oldest->first != *number ? oldest : std::next(oldest));
  }
  answer_(from, *uid, std::move(*question),
          lifetime_.guard([this, from, number = *number](std::string answer) {
            answered(from, number, std::move(answer));
          }));
}

void HostQuestions::answered(HostId from, std::uint32_t number, std::string answer) {
  const auto kept = kept_.find(from);
  if (kept == kept_.end()) return;
  const auto found = kept->second.find(number);
  if (found == kept->second.end() || found->second) return;
  if (answer.size() > kMaxAnswerBytes) {
    answer = "{\"error\":\"the answer is too long for another host\"}\n";
  }
  found->second = std::move(answer);
  send_part(from, number, 0);
}

void HostQuestions::peer_fetches(HostId from, ParcelReader& message) {
  const auto number = word(message);
  const auto offset = word(message);
  if (number && offset) send_part(from, *number, *offset);
}

void HostQuestions::send_part(HostId to, std::uint32_t number, std::size_t offset) {
  const auto kept = kept_.find(to);
  if (kept == kept_.end()) return;
  const auto found = kept->second.find(number);
  if (found == kept->second.end() || !found->second || offset > found->second->size()) return;
  const std::string& answer = *found->second;
  const std::string_view part = std::string_view(answer).substr(offset, kPartBytes);
  ParcelWriter writer;
  writer.u32(number);
  writer.u32(static_cast<std::uint32_t>(offset));
  writer.u32(static_cast<std::uint32_t>(answer.size()));
  put_text(writer, part);
  managers_.call(to, kPeerAnswer, writer.take());
  if (offset + part.size() == answer.size()) kept->second.erase(found);
}

void HostQuestions::host_gone(HostId host) {
  kept_.erase(host);
  for (auto it = asked_.begin(); it != asked_.end();) {
    const auto next = std::next(it);
    if (it->second.host == host) end(it, std::unexpected("its session has ended"));
    it = next;
  }
}

}  // namespace netbinder
