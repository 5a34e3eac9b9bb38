// SPDX-License-Identifier: Apache-2.0
//
// A chat room: `chat room` serves it, `chat NAME` joins it. Each line that is typed is said to all;
// `/file PATH` passes an open file. Participants may be on any host of the cluster: their objects
// are called where they are, and the death of one tells the room who has left.
#include <aidl/chat/BnParticipant.h>
#include <aidl/chat/BnRoom.h>
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <list>
#include <mutex>
#include <string>

using aidl::chat::BnParticipant;
using aidl::chat::BnRoom;
using aidl::chat::IParticipant;
using aidl::chat::IRoom;
using ndk::ScopedAStatus;
using ndk::ScopedFileDescriptor;

class Room : public BnRoom {
 public:
  ScopedAStatus join(const std::shared_ptr<IParticipant>& who, const std::string& name,
                     std::vector<std::string>* others) override {
    const std::lock_guard lock(mutex_);
    for (const Member& member : members_) {
      if (member.name == name) {
        return ScopedAStatus::fromExceptionCodeWithMessage(EX_ILLEGAL_ARGUMENT,
                                                           "the name is taken");
      }
      others->push_back(member.name);
    }
    for (const Member& member : members_) member.who->joined(name);
    Member& member = members_.emplace_back(Member{this, who, name});
    // One that has died in the meantime leaves at once.
    const binder_status_t linked =
        AIBinder_linkToDeath(who->asBinder().get(), member.death.get(), &member);
    if (linked != STATUS_OK) members_.pop_back();
    return ScopedAStatus::fromStatus(linked);
  }

  ScopedAStatus say(const std::shared_ptr<IParticipant>& who, const std::string& text) override {
    tell([&](IParticipant& other, const std::string& name) { other.said(name, text); }, who);
    return ScopedAStatus::ok();
  }

  ScopedAStatus send(const std::shared_ptr<IParticipant>& who, const std::string& title,
                     const ScopedFileDescriptor& file) override {
    tell([&](IParticipant& other, const std::string& name) { other.received(name, title, file); },
         who);
    return ScopedAStatus::ok();
  }

 private:
  struct Member {
    Room* room;
    std::shared_ptr<IParticipant> who;
    std::string name;
    ndk::ScopedAIBinder_DeathRecipient death{AIBinder_DeathRecipient_new(on_death)};
  };

  // Calls all but the one who speaks. An object is the same wherever it has travelled.
  template <typename Call>
  void tell(Call call, const std::shared_ptr<IParticipant>& who) {
    const std::lock_guard lock(mutex_);
    for (const Member& speaker : members_) {
      if (speaker.who->asBinder() != who->asBinder()) continue;
      for (const Member& other : members_) {
        if (&other != &speaker) call(*other.who, speaker.name);
      }
    }
  }

  static void on_death(void* cookie) {
    auto* const gone = static_cast<Member*>(cookie);
    Room& room = *gone->room;
    const std::lock_guard lock(room.mutex_);
    for (const Member& other : room.members_) {
      if (&other != gone) other.who->left(gone->name);
    }
    room.members_.remove_if([&](const Member& member) { return &member == gone; });
  }

  std::mutex mutex_;
  std::list<Member> members_;
};

class Participant : public BnParticipant {
 public:
  ScopedAStatus joined(const std::string& name) override { return print(name + " joined"); }
  ScopedAStatus left(const std::string& name) override { return print(name + " left"); }
  ScopedAStatus said(const std::string& name, const std::string& text) override {
    return print(name + ": " + text);
  }
  ScopedAStatus received(const std::string& name, const std::string& title,
                         const ScopedFileDescriptor& file) override {
    std::string text(4096, '\0');
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return print(name + " sent " + title + ", which begins: " + text.substr(0, text.find('\n')));
  }

 private:
  static ScopedAStatus print(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    return ScopedAStatus::ok();
  }
};

static int serve() {
  const auto room = ndk::SharedRefBase::make<Room>();
  if (AServiceManager_addService(room->asBinder().get(), IRoom::SERVICE) != EX_NONE) return 1;
  ABinderProcess_joinThreadPool();
  return 1;
}

static int chat(const std::string& name) {
  ABinderProcess_startThreadPool();
  const auto room =
      IRoom::fromBinder(ndk::SpAIBinder(AServiceManager_waitForService(IRoom::SERVICE)));
  const auto me = ndk::SharedRefBase::make<Participant>();
  std::vector<std::string> others;
  ScopedAStatus status = room->join(me, name, &others);
  for (const std::string& other : others) me->joined(other);
  for (std::string line; status.isOk() && std::getline(std::cin, line);) {
    const std::string path = line.rfind("/file ", 0) == 0 ? line.substr(6) : "";
    status = path.empty()
                 ? room->say(me, line)
                 : room->send(me, path, ScopedFileDescriptor(::open(path.c_str(), O_RDONLY)));
  }
  if (status.isOk()) return 0;
  std::fprintf(stderr, "chat: %s\n", status.getDescription().c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: chat room | chat NAME\n");
    return 2;
  }
  return std::string(argv[1]) == "room" ? serve() : chat(argv[1]);
}
