// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/starter-client.h"

#include <fcntl.h>
#include <kj/debug.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "workers/command/starter-messages.h"

namespace smsd::command {
namespace {

using LowLevel = kj::LowLevelAsyncIoProvider;
using Observer = kj::UnixEventPort::FdObserver;

struct ProgramPipe {
  kj::AutoCloseFd out, in;  // to read from, and to write to
};

ProgramPipe makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "a pipe to the program");
  return {kj::AutoCloseFd(ends[0]), kj::AutoCloseFd(ends[1])};
}

int given(kj::AutoCloseFd&& fd) { return fd.release(); }

}  // namespace

StarterClient::StarterClient(kj::AsyncIoContext& io, int socket)
    : io_(io),
      socket_(socket),
      observer_(io.unixEventPort, socket, Observer::OBSERVE_READ_WRITE),
      gone_(listen().fork()) {}

RunningProgram StarterClient::start(const std::vector<std::string>& variables) {
  ProgramPipe input = makePipe(), output = makePipe(), errors = makePipe();
  std::string rest;
  for (auto& variable : variables) rest.append(variable).push_back('\0');
  Waiting order{packed(StarterOrder{StarterOrder::What::start, ++last_}, rest), {}};
  KJ_REQUIRE(order.bytes.size() <= mostOrder, "an SMS with too long texts");
  for (auto* stream : {&input.out, &output.in, &errors.in}) order.streams.push_back(kj::mv(*stream));
  auto ended = kj::newPromiseAndFulfiller<ProgramEnd>();
  running_.emplace(last_, kj::mv(ended.fulfiller));
  constexpr unsigned flags = LowLevel::TAKE_OWNERSHIP | LowLevel::ALREADY_CLOEXEC;
  auto& provider = *io_.lowLevelProvider;
  RunningProgram program;
  program.id = last_;
  program.input = provider.wrapOutputFd(given(kj::mv(input.in)), flags);
  program.output = provider.wrapInputFd(given(kj::mv(output.out)), flags);
  program.errors = provider.wrapInputFd(given(kj::mv(errors.out)), flags);
  program.ended = kj::mv(ended.promise);
  send(std::move(order));
  return program;
}

void StarterClient::kill(std::uint64_t id) {
  if (running_.contains(id)) send({packed(StarterOrder{StarterOrder::What::kill, id}), {}});
}

int StarterClient::leave() {
  trySend({packed(StarterOrder{StarterOrder::What::leave, 0}), {}});
  return socket_.get();
}

void StarterClient::send(Waiting order) {
  const bool first = waiting_.empty();
  waiting_.push_back(std::move(order));
  if (first) sendWaiting();
}

void StarterClient::sendWaiting() {
  while (!waiting_.empty()) {
    if (!trySend(waiting_.front())) {
      writable_ = observer_.whenBecomesWritable().then([this]() { sendWaiting(); }).eagerlyEvaluate(nullptr);
      return;
    }
    waiting_.pop_front();
  }
}

/// Returns false if the socket has no room now.
bool StarterClient::trySend(const Waiting& order) {
  iovec part{const_cast<char*>(order.bytes.data()), order.bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  int streams[streamsOfProgram];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof streams)] = {};
  if (!order.streams.empty()) {
    for (std::size_t i = 0; i < streamsOfProgram; ++i) streams[i] = order.streams[i].get();
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof streams);
    std::memcpy(CMSG_DATA(header), streams, sizeof streams);
  }
  const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent >= 0 || (errno != EAGAIN && errno != EINTR);  // a starter that is gone: see gone()
}

kj::Promise<void> StarterClient::listen() {
  while (take()) {
  }
  if (over_) return kj::READY_NOW;
  return observer_.whenBecomesReadable().then([this]() { return listen(); });
}

/// Takes one report. Returns false if there is none.
bool StarterClient::take() {
  char bytes[256];
  const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    over_ = true;
    return false;
  }
  std::string_view rest(bytes, static_cast<std::size_t>(got));
  const auto notice = unpack<StarterNotice>(rest);
  if (!notice || notice->what != StarterNotice::What::ended) return true;
  auto found = running_.extract(notice->id);
  if (!found.empty()) found.mapped()->fulfill(ProgramEnd{notice->how, notice->value});
  return true;
}

}  // namespace smsd::command
