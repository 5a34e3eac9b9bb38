// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/ibverbs_queues.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

namespace netbinder::rdma {
namespace {

constexpr std::uint32_t kFirstEntries = 512;
// Acknowledging takes a mutex; destroying a queue waits until its events are acknowledged.
constexpr unsigned kAcknowledgeAt = 64;
// An event of the device waits for at most this many completion events.
constexpr unsigned kLookAtDeviceAt = 16;

// Soft-RoCE reports IBV_WC_WR_FLUSH_ERR for a send whose own memory is wrong, or that cannot leave.
CompletionStatus to_status(ibv_wc_status status) {
  switch (status) {
    case IBV_WC_SUCCESS:
      return CompletionStatus::kSuccess;
    case IBV_WC_WR_FLUSH_ERR:
      return CompletionStatus::kFlushed;
    case IBV_WC_RETRY_EXC_ERR:
    case IBV_WC_RESP_TIMEOUT_ERR:
      return CompletionStatus::kRetriesExceeded;
    case IBV_WC_RNR_RETRY_EXC_ERR:
      return CompletionStatus::kReceiverNotReady;
    case IBV_WC_REM_ACCESS_ERR:
      return CompletionStatus::kRemoteAccess;
    case IBV_WC_LOC_LEN_ERR:
    case IBV_WC_LOC_QP_OP_ERR:
    case IBV_WC_LOC_PROT_ERR:
    case IBV_WC_LOC_ACCESS_ERR:
      return CompletionStatus::kLocal;
    default:
      return CompletionStatus::kOther;
  }
}

Completion to_completion(const ibv_wc& from) {
  const bool received = from.status == IBV_WC_SUCCESS && (from.opcode & IBV_WC_RECV) != 0;
  return {.queue_pair = QueuePairNumber{from.qp_num},
          .id = WorkId{from.wr_id},
          .status = to_status(from.status),
          .bytes = received ? from.byte_len : 0};
}

bool set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  return set_nonblocking(fd) && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

std::expected<std::unique_ptr<IbvQueues>, std::string> IbvQueues::create(IbvPort& port) {
  std::unique_ptr<IbvQueues> queues(new IbvQueues(port));
  if (auto opened = queues->open(); !opened) {
    return std::unexpected(port.name + ": " + opened.error());
  }
  return queues;
}

std::expected<void, std::string> IbvQueues::open() {
  channel_.reset(ibv_create_comp_channel(port_.context.get()));
  if (!channel_) {
    return std::unexpected(ibv_failure("cannot create a completion channel", errno));
  }
  const auto entries =
      static_cast<int>(std::min(kFirstEntries, static_cast<std::uint32_t>(port_.device.max_cqe)));
  for (Queue& queue : queues_) {
    queue.queue.reset(
        ibv_create_cq(port_.context.get(), entries, &queue, channel_.get(), /*comp_vector=*/0));
    if (!queue.queue) {
      return std::unexpected(ibv_failure("cannot create a completion queue", errno));
    }
  }
  events_ = OwnedDescriptor(epoll_create1(EPOLL_CLOEXEC));
  if (events_.get() < 0 || !watch(events_.get(), channel_->fd) ||
      !watch(events_.get(), port_.context->async_fd)) {
    return std::unexpected(ibv_failure("cannot wait for events", errno));
  }
  return {};
}

IbvQueues::~IbvQueues() {
  for (Queue& queue : queues_) {
    if (queue.queue && queue.not_acknowledged > 0) {
      ibv_ack_cq_events(queue.queue.get(), queue.not_acknowledged);
    }
  }
}

std::expected<void, std::string> IbvQueues::reserve(std::uint32_t sends, std::uint32_t receives) {
  if (auto grown = grow(queues_[kSends], sends); !grown) {
    return grown;
  }
  if (auto grown = grow(queues_[kReceives], receives); !grown) {
    queues_[kSends].reserved -= sends;
    return grown;
  }
  return {};
}

std::expected<void, std::string> IbvQueues::grow(Queue& queue, std::uint32_t entries) {
  const std::uint32_t needed = queue.reserved + entries;
  const auto most = static_cast<std::uint32_t>(port_.device.max_cqe);
  if (needed > most) {
    return std::unexpected(port_.name + " has room for " + std::to_string(most) +
                           " completions at a time, and " + std::to_string(needed) +
                           " are needed: use smaller queue pairs, or fewer");
  }
  if (needed > static_cast<std::uint32_t>(queue.queue->cqe)) {
    const auto target = static_cast<int>(std::min(std::bit_ceil(needed), most));
    if (const int error = ibv_resize_cq(queue.queue.get(), target)) {
      return std::unexpected(ibv_failure(
          port_.name + ": cannot make a completion queue of " + std::to_string(target), error));
    }
  }
  queue.reserved = needed;
  return {};
}

void IbvQueues::release(std::uint32_t sends, std::uint32_t receives) {
  queues_[kSends].reserved -= sends;
  queues_[kReceives].reserved -= receives;
}

void IbvQueues::forget(QueuePairNumber number) {
  for (Queue& queue : queues_) {
    std::array<Completion, 32> some;
    while (const std::size_t count = poll_device(queue, some)) {
      queue.waiting.insert(queue.waiting.end(), some.begin(), some.begin() + count);
    }
    std::erase_if(queue.waiting, [&](const Completion& one) { return one.queue_pair == number; });
  }
}

std::size_t IbvQueues::poll(Queue& queue, std::span<Completion> into) {
  std::size_t count = 0;
  for (; count < into.size() && !queue.waiting.empty(); ++count) {
    into[count] = queue.waiting.front();
    queue.waiting.pop_front();
  }
  return count + poll_device(queue, into.subspan(count));
}

std::size_t IbvQueues::poll_device(Queue& queue, std::span<Completion> into) {
  std::array<ibv_wc, 32> raw;
  std::size_t count = 0;
  while (count < into.size()) {
    const auto wanted = static_cast<int>(std::min(raw.size(), into.size() - count));
    const int got = ibv_poll_cq(queue.queue.get(), wanted, raw.data());
    if (got < 0) {
      fail("its completions cannot be read");
      break;
    }
    for (int i = 0; i < got; ++i) {
      into[count++] = to_completion(raw[i]);
    }
    if (got < wanted) {
      break;
    }
  }
  return count;
}

int IbvQueues::arm() {
  for (Queue& queue : queues_) {
    if (const int error = ibv_req_notify_cq(queue.queue.get(), /*solicited_only=*/0)) {
      return -error;
    }
  }
  return 0;
}

// The descriptor stays readable while events are left, and then this is called again. It takes one
// event at a time, and does not look at the device if a completion explains the call: this saves
// system calls for every message that we slept for. (Rarely the other of the two queues has an
// event.)
std::optional<std::string> IbvQueues::take_events() {
  if (!take_queue_event() || ++device_not_looked_at_ == kLookAtDeviceAt) {
    device_not_looked_at_ = 0;
    take_device_events();
  }
  return failure_;
}

bool IbvQueues::take_queue_event() {
  ibv_cq* of = nullptr;
  void* context = nullptr;
  if (ibv_get_cq_event(channel_.get(), &of, &context) == 0) {
    auto& queue = *static_cast<Queue*>(context);
    if (++queue.not_acknowledged == kAcknowledgeAt) {
      ibv_ack_cq_events(of, std::exchange(queue.not_acknowledged, 0));
    }
    return true;
  }
  if (errno != EAGAIN && errno != EINTR) {
    fail("its completion channel is gone");
  }
  return false;
}

void IbvQueues::take_device_events() {
  ibv_async_event event{};
  while (ibv_get_async_event(port_.context.get(), &event) == 0) {
    consider(event);
    ibv_ack_async_event(&event);
  }
  if (errno != EAGAIN && errno != EINTR) {
    fail("the device is gone");
  }
}

// Events of a single queue pair are ignored, as its completions report the same. Soft-RoCE has no
// event for its removal, which waits until we close the device.
void IbvQueues::consider(const ibv_async_event& event) {
  const bool of_our_port = event.element.port_num == port_.number;
  switch (event.event_type) {
    case IBV_EVENT_DEVICE_FATAL:
      fail("the device has failed, or was removed");
      break;
    case IBV_EVENT_CQ_ERR:
      fail("a completion queue has failed");
      break;
    case IBV_EVENT_PORT_ERR:
      if (of_our_port) {
        fail("port " + std::to_string(port_.number) + " went down");
      }
      break;
    case IBV_EVENT_LID_CHANGE:
      if (of_our_port && !port_.is_ethernet() && port_.gid == Gid{}) {
        fail("its lid has changed");
      }
      break;
    case IBV_EVENT_GID_CHANGE:
      if (of_our_port && !port_.has_its_gid()) {
        fail("its address is gone");
      }
      break;
    default:
      break;
  }
}

void IbvQueues::fail(const std::string& why) {
  if (!failure_) {
    failure_ = port_.description() + ": " + why;
  }
}

}  // namespace netbinder::rdma
