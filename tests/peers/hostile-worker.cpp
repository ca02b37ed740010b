// SPDX-License-Identifier: GPL-3.0-or-later
// A worker that attacks its supervisor over the RPC connection. Started by smsd in place of a real one; the
// name of its dispatcher says how:
//
//   bootstrap         asks for the main interface over and over, and finishes nothing
//   pairs             the same, and finishes each at once
//   resolves          messages that Cap'n Proto ignores, as fast as the socket takes them
//   padded            the same, each with a megabyte that nothing refers to
//   unread            the same, and never reads
//   calls             calls an object that it was never given
//   echo              messages of a kind that Cap'n Proto sends back
//   giant             announces a message of 16 GB
//   half              announces 4 MB, sends all but the last word, and waits
//   trickle           sends such a message one byte at a time
//   deep              a message nested deeper than anybody reads
//   descriptors       an open file with each message
//
// Until its health was asked it is honest. It goes on answering, so that it counts as ready, except where its
// answer would be read as part of the attack, and in `unread`. It runs with the lowest priority: what the
// test measures is the supervisor, not the loss of a processor.
#include <capnp/rpc.capnp.h>
#include <capnp/serialize.h>
#include <fcntl.h>
#include <kj/debug.h>
#include <proto/dispatcher.capnp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace rpc = capnp::rpc;
using smsd::proto::Dispatcher;

int channel = -1;
std::mutex writing;
std::atomic<bool> attacking = false;

void write(const void* bytes, std::size_t size) {
  for (auto at = static_cast<const char*>(bytes); size > 0;) {
    ssize_t n = ::send(channel, at, size, MSG_NOSIGNAL);
    if (n <= 0) _exit(0);
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

std::string bytes(capnp::MessageBuilder& message) {
  auto words = capnp::messageToFlatArray(message);
  return {reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(capnp::word)};
}

void send(const std::string& message) {
  std::lock_guard lock(writing);
  write(message.data(), message.size());
}

/// What the supervisor asks, answered as an honest worker does.
void answer(rpc::Message::Reader asked) {
  capnp::MallocMessageBuilder message;
  auto reply = message.initRoot<rpc::Message>().initReturn();
  auto content = reply.initResults().getContent();
  if (asked.isBootstrap()) {
    reply.setAnswerId(asked.getBootstrap().getQuestionId());
    capnp::BuilderCapabilityTable table;
    table.imbue(content).setAs<capnp::Capability>(
        capnp::Capability::Client(KJ_EXCEPTION(FAILED, "stands for the main interface")));
    reply.getResults().initCapTable(1)[0].setSenderHosted(0);
    return send(bytes(message));
  }
  if (!asked.isCall()) return;
  reply.setAnswerId(asked.getCall().getQuestionId());
  switch (asked.getCall().getMethodId()) {
    case 0: {
      auto description = content.initAs<Dispatcher::DescribeResults>().initDescription();
      description.setVersion(smsd::proto::VERSION);
      description.setKind("debug");
      description.setWindow(1);
      break;
    }
    case 3:
      content.initAs<Dispatcher::HealthResults>().initHealth().setReady();
      break;
    default:
      content.initAs<Dispatcher::DrainResults>();
  }
  send(bytes(message));
  if (asked.getCall().getMethodId() == 3) attacking = true;
}

/// `times` messages in one piece, `write` fills each.
template <typename F>
std::string many(unsigned times, F fill) {
  std::string all;
  for (unsigned i = 0; i < times; ++i) {
    capnp::MallocMessageBuilder message;
    fill(message.initRoot<rpc::Message>(), i);
    all += bytes(message);
  }
  return all;
}

std::string resolves(unsigned times) {
  return many(times, [](rpc::Message::Builder message, unsigned) {
    auto resolve = message.initResolve();
    resolve.setPromiseId(4711);
    resolve.initException().setReason("of no promise");
  });
}

/// The frame of a message of one segment, and nothing of it.
std::string header(std::uint32_t words) {
  std::string frame(8, '\0');
  std::memcpy(frame.data() + 4, &words, sizeof words);
  return frame;
}

/// A legal message with a megabyte that no pointer leads to.
std::string padded() {
  std::string message = resolves(1);
  std::uint32_t words = 0;
  std::memcpy(&words, message.data() + 4, sizeof words);
  words += 1 << 17;
  std::memcpy(message.data() + 4, &words, sizeof words);
  return message + std::string(1 << 20, '\x55');
}

[[noreturn]] void withDescriptors() {
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::string message = resolves(1);
  for (;;) {
    iovec part{message.data(), message.size()};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
    msghdr packet{.msg_name = nullptr,
                  .msg_namelen = 0,
                  .msg_iov = &part,
                  .msg_iovlen = 1,
                  .msg_control = space,
                  .msg_controllen = sizeof space,
                  .msg_flags = 0};
    auto* control = CMSG_FIRSTHDR(&packet);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(control), &file, sizeof file);
    std::lock_guard lock(writing);
    if (sendmsg(channel, &packet, MSG_NOSIGNAL) < 0) _exit(0);
  }
}

[[noreturn]] void repeat(const std::string& message) {
  for (;;) send(message);
}

[[noreturn]] void attack(const std::string& how) {
  auto bootstrap = [](rpc::Message::Builder message, unsigned id) {
    message.initBootstrap().setQuestionId(id);
  };
  if (how == "bootstrap") repeat(many(10'000, bootstrap));
  if (how == "pairs")
    repeat(many(2000, [&](rpc::Message::Builder message, unsigned i) {
      if (i % 2 == 0) return bootstrap(message, 1);
      message.initFinish().setQuestionId(1);
    }));
  if (how == "resolves" || how == "unread") repeat(resolves(2000));
  if (how == "padded") repeat(padded());
  if (how == "calls")
    repeat(many(1000, [](rpc::Message::Builder message, unsigned id) {
      auto call = message.initCall();
      call.setQuestionId(id);
      call.initTarget().setImportedCap(4711);
    }));
  if (how == "echo")
    repeat(many(1000,
                [](rpc::Message::Builder message, unsigned id) { message.initAccept().setQuestionId(id); }));
  if (how == "deep") {
    capnp::MallocMessageBuilder message;
    auto at = message.initRoot<rpc::Message>();
    for (int depth = 0; depth < 100'000; ++depth) at = at.initUnimplemented();
    repeat(bytes(message));
  }
  if (how == "descriptors") withDescriptors();
  if (how == "giant") send(header(1U << 31));
  if (how == "half") send(header(1 << 19) + std::string((1 << 22) - 8, '\0'));
  if (how == "trickle") {
    send(header(1 << 19));
    const std::string one(1, '\0');
    for (int sent = 1; sent < 1 << 22; ++sent) send(one);  // all but the last byte: it never comes to an end
  }
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  setpriority(PRIO_PROCESS, 0, 19);
  std::string how;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--name") == 0) how = argv[i + 1];
    if (std::strcmp(argv[i], "--channel-fd") == 0) channel = std::stoi(argv[i + 1]);
  }
  if (channel < 0) return 0;  // smsd only asks whether its configuration is well
  fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) & ~O_NONBLOCK);
  auto read = []() {
    capnp::StreamFdMessageReader message(channel);
    answer(message.getRoot<rpc::Message>());
  };
  try {
    while (!attacking) read();
    std::thread(attack, how).detach();
    if (how == "unread" || how == "half" || how == "trickle")
      for (;;) pause();
    for (;;) read();
  } catch (const kj::Exception&) {
    _exit(0);  // the supervisor has gone
  }
}
