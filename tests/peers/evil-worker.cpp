// SPDX-License-Identifier: GPL-3.0-or-later
// A worker that locked itself in as a real one does, and was then taken over: it tries to hurt whoever it
// can. Started by smsd in place of a real one; the name of its dispatcher says how:
//
//   hoard       claims as many SMS as it may, begins one a second, and lets the others lie
//   greedy      claims more than its kind may have
//   stranger    says that it is of another kind
//   threads     starts threads, as glibc does and without it
//   allocate    takes memory, private and shared, and writes to all of it
//   signals     sends signals to its supervisor, and makes the kernel send some
//   words       empties the files that it may write its words to, and writes over them
//
// It says on stderr how far it came. No processor is burnt: what is measured is what others are left with.
#include <fcntl.h>
#include <kj/async-unix.h>
#include <proto/dispatcher.capnp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "common/rpc/channel.h"
#include "common/sandbox/output.h"
#include "common/sandbox/sandbox.h"

namespace {

using namespace smsd;

// Enough to be noticed, and not enough to bring down the machine where nothing stops it.
constexpr int enoughThreads = 2000;
constexpr std::size_t enoughMemory = 2UL << 30, piece = 4UL << 20;

void say(const std::string& words) {
  std::string line = "evil-worker: " + words + "\n";
  [[maybe_unused]] ssize_t written = ::write(2, line.data(), line.size());
}

void* wait(void*) {
  for (;;) ::pause();
}

void startThreads() {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, 16384);
  int started = 0;
  pthread_t thread;
  while (started < enoughThreads && ::pthread_create(&thread, &attributes, &wait, nullptr) == 0) ++started;
  say("threads: " + std::to_string(started));
}

void allocate() {
  std::size_t taken = 0;
  for (int kind : {MAP_PRIVATE, MAP_SHARED})
    while (taken < enoughMemory) {
      void* memory = ::mmap(nullptr, piece, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) break;
      std::memset(memory, 0x55, piece);
      taken += piece;
    }
  say("MiB: " + std::to_string(taken >> 20));
}

/// By the kernel's hand: the owner of a descriptor gets a signal of our choice when there is something to
/// read.
void ownBy(int pid) {
  for (int command : {F_SETOWN, F_SETOWN_EX}) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
    f_owner_ex owner{F_OWNER_PID, pid};
    ::fcntl(pair[0], F_SETSIG, SIGKILL);
    if (command == F_SETOWN) ::fcntl(pair[0], F_SETOWN, pid);
    if (command == F_SETOWN_EX) ::fcntl(pair[0], F_SETOWN_EX, &owner);
    ::ioctl(pair[0], FIOSETOWN, &pid);
    ::fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK);
    int on = 1;
    ::ioctl(pair[0], FIOASYNC, &on);
    [[maybe_unused]] ssize_t written = ::write(pair[1], "x", 1);
  }
}

void sendSignals() {
  const int supervisor = ::getppid();
  int sent = 0;
  for (int signal : {SIGKILL, SIGSTOP, SIGTERM}) {
    sent += ::kill(supervisor, signal) == 0;
    sent += ::kill(-1, signal) == 0;
    sent += ::kill(0, signal) == 0;
    sent += ::syscall(SYS_tgkill, supervisor, supervisor, signal) == 0;
    sent += ::syscall(SYS_tkill, supervisor, signal) == 0;
    siginfo_t info{};
    info.si_code = SI_QUEUE;
    sent += ::syscall(SYS_rt_sigqueueinfo, supervisor, signal, &info) == 0;
    long fd = ::syscall(SYS_pidfd_open, supervisor, 0);
    if (fd >= 0) sent += ::syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) == 0;
  }
  ownBy(supervisor);
  ownBy(-::getpgrp());
  sent += ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
  say("signals: " + std::to_string(sent));
}

void writeOver() {
  int done = 0;
  for (int fd : {1, 2}) {
    ::fcntl(fd, F_SETFL, 0);
    done += ::ftruncate(fd, 0) == 0;
    done += ::lseek(fd, 0, SEEK_SET) == 0;
    done += ::pwrite(fd, "evil", 4, 0) == 4;
  }
  for (const char* path : {"/proc/self/fd/1", "/proc/self/fd/2", "/dev/stderr", "log", "../log"}) {
    struct stat status {};
    int fd = ::open(path, O_WRONLY | O_TRUNC);  // a pipe opens, and nothing of it is lost
    done += fd >= 0 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  }
  say("written over: " + std::to_string(done));
}

class Evil final : public proto::Dispatcher::Server {
 public:
  Evil(std::string how, kj::Timer& timer) : how_(std::move(how)), timer_(timer) {}

 protected:
  kj::Promise<void> describe(DescribeContext context) override {
    auto description = context.getResults().initDescription();
    description.setVersion(proto::VERSION);
    description.setKind(how_ == "stranger" ? "gammu" : "debug");
    description.setWindow(how_ == "greedy" ? 4294967295U : how_ == "hoard" ? 4096 : 1);
    description.setBacklog(how_ == "hoard" ? 4096 : 0);
    return kj::READY_NOW;
  }
  kj::Promise<void> health(HealthContext context) override {
    context.getResults().initHealth().setReady();
    if (!attacked_) {
      attacked_ = true;
      if (how_ == "threads") startThreads();
      if (how_ == "allocate") allocate();
      if (how_ == "signals") sendSignals();
      if (how_ == "words") writeOver();
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> dispatch(DispatchContext context) override {
    sink_ = context.getParams().getSink();
    for (auto sms : context.getParams().getBatch()) lying_.push_back(sms.getAttempt());
    if (lying_.size() > most_) say("SMS taken: " + std::to_string(most_ = lying_.size()));
    if (!serving_) {
      serving_ = true;
      one_ = serve().eagerlyEvaluate(nullptr);
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> drain(DrainContext) override { return kj::NEVER_DONE; }

 private:
  /// One a second, so that nobody takes this worker for one that hangs.
  kj::Promise<void> serve() {
    return timer_.afterDelay(1 * kj::SECONDS).then([this]() -> kj::Promise<void> {
      if (lying_.empty()) return serve();
      std::uint64_t attempt = lying_.front();
      lying_.pop_front();
      return tell(attempt, [](proto::Report::Builder report) { report.setBegun(); })
          .then([this, attempt]() {
            return tell(attempt, [](proto::Report::Builder report) { report.initOutcome().setAccepted(""); });
          })
          .then([this]() { return serve(); });
    });
  }
  template <typename F>
  kj::Promise<void> tell(std::uint64_t attempt, F write) {
    auto request = KJ_ASSERT_NONNULL(sink_).reportRequest();
    auto report = request.initReports(1)[0];
    report.setAttempt(attempt);
    write(report);
    return request.send().ignoreResult();
  }

  const std::string how_;
  kj::Timer& timer_;
  kj::Maybe<proto::OutcomeSink::Client> sink_;
  std::deque<std::uint64_t> lying_;
  std::size_t most_ = 0;
  bool attacked_ = false, serving_ = false;
  kj::Promise<void> one_ = kj::READY_NOW;
};

}  // namespace

int main(int argc, char** argv) {
  for (int ignored : {SIGINT, SIGHUP, SIGPIPE, SIGTERM}) ::signal(ignored, SIG_IGN);
  std::string how;
  int channel = -1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--name") == 0) how = argv[i + 1];
    if (std::strcmp(argv[i], "--channel-fd") == 0) channel = std::stoi(argv[i + 1]);
  }
  if (channel < 0) return 0;  // smsd only asks whether its configuration is well
  sandbox::separateOutput();
  sandbox::lockIn({});
  sandbox::sealThreads({});
  auto io = kj::setupAsyncIo();
  auto stream = io.lowLevelProvider->wrapSocketFd(
      channel, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  auto connection = rpc::Channel::serve(kj::mv(stream), kj::heap<Evil>(how, io.provider->getTimer()));
  connection->disconnected().wait(io.waitScope);
  return 0;
}
