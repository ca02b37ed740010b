// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-worker-gammu with a hook that no installed program has: an SMS that says "probe" makes it try what its
// lock forbids, and the outcome says what came of it. For tests/scenario/modem.py.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <future>
#include <sstream>
#include <system_error>
#include <thread>

#include "workers/gammu/gammu.h"

namespace {

std::string result(const char* name, long value) {
  return fmt::format("{} {}; ", name, value >= 0 ? "worked" : strerrorname_np(errno));
}

std::string opened(const char* name, const std::string& path, int flags) {
  return result(name, ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600));
}

std::string startsThread() {
  try {
    std::thread([] {}).join();
    return "thread worked; ";
  } catch (const std::system_error& e) {
    return fmt::format("thread {}; ", strerrorname_np(e.code().value()));
  }
}

std::string tries(const std::string& otherTty) {
  return opened("passwd", "/etc/passwd", O_RDONLY) + opened("tty", otherTty, O_RDWR) +
         opened("ptmx", "/dev/ptmx", O_RDWR) + opened("memory", "/proc/self/mem", O_RDONLY) +
         opened("new file", "/tmp/smsd-gammu-probe", O_WRONLY | O_CREAT) +
         result("inet", ::socket(AF_INET, SOCK_STREAM, 0)) +
         result("netlink", ::socket(AF_NETLINK, SOCK_RAW, 0)) + result("fork", ::fork()) +
         result("signal", ::kill(::getppid(), 0)) + startsThread();
}

/// A thread that was there before the last of the lock: none can be started behind it.
class Other {
 public:
  Other() : thread_([this] { work(); }) { thread_.detach(); }

  std::string run(std::function<std::string()> task) {
    std::promise<std::string> said;
    auto result = said.get_future();
    tasks_.set_value([&] { said.set_value(task()); });
    return result.get();
  }

 private:
  void work() {
    for (;;) {
      auto task = tasks_.get_future().get();
      tasks_ = {};
      task();
    }
  }
  std::promise<std::function<void()>> tasks_;
  std::thread thread_;
};

class Probing final : public smsd::gammu::GammuDispatcher {
 public:
  kj::Promise<void> start(kj::AsyncIoContext& io) override {
    other_ = new Other;  // as long as the process
    return GammuDispatcher::start(io);
  }
  kj::Promise<smsd::kit::Outcome> send(smsd::kit::Job job) override {
    std::istringstream words(job.text);
    std::string word, what;
    words >> word >> what;
    if (word != "probe") return GammuDispatcher::send(std::move(job));
    if (what == "exec") ::execl("/bin/true", "true", nullptr);
    std::string said = tries(what);
    std::string fromThread = other_->run([&] { return tries(what); });
    if (fromThread != said) said = "the threads differ: " + fromThread;
    return smsd::kit::Outcome(smsd::kit::Refused{said});
  }

 private:
  Other* other_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  Probing dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
