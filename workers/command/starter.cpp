// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/starter.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include "common/fault.h"
#include "common/sandbox/programs.h"
#include "workers/command/minder.h"
#include "workers/command/starter-messages.h"

namespace smsd::command {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The time for programs to end after the worker has announced its own end, and after they were killed.
constexpr auto patienceWithLeave = 2s, patienceWithKill = 5s;
/// The time that the start of a program waits for the end of another program, if too many run.
constexpr auto patienceWithPlace = 1s;

void doNothing(int) {}

/// Blocks the signals of minders, so that none is missed, and ignores those that are sent to all processes.
void prepareSignals() {
  for (int ignored : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_IGN);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (int number : {SIGCHLD, killOrder}) {
    ::sigaddset(&blocked, number);
    ::signal(number, doNothing);
  }
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

/// Leaves no descriptor of the worker open: not its configuration, its sockets or its log.
int keepOnly(int socket) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || ::dup2(socket, 3) < 0) sandbox::fail("the starter's descriptors");
  for (int stream : {0, 1, 2})
    if (::dup2(null == 3 ? ::open("/dev/null", O_RDWR) : null, stream) < 0)
      sandbox::fail("the starter's descriptors");
  ::fcntl(3, F_SETFD, FD_CLOEXEC);
  if (::close_range(4, ~0U, 0) != 0) sandbox::fail("the starter's descriptors");
  return 3;
}

/// Removes a folder of links. The lock allows exactly this, but not that the folder's own name is tried as
/// that of a file, as std::filesystem::remove_all() does.
void removeFolder(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> links;
  for (auto& entry : std::filesystem::directory_iterator(folder, ignored)) links.push_back(entry.path());
  for (auto& link : links) ::unlink(link.c_str());
  ::rmdir(folder.c_str());
}

class Starter {
 public:
  Starter(const ProgramSpec& spec, const sandbox::ProgramLock& lock, int socket)
      : spec_(spec), lock_(lock), socket_(socket), own_(::getpid()) {}

  [[noreturn]] void run() {
    tell({StarterNotice::What::ready, 0, 0, {}});
    while (!gone_) {
      wait(-1ms, Awaited::orders);
      receive();
      reap();
    }
    leave();
    ::_exit(EXIT_SUCCESS);
  }

 private:
  struct Minding {
    pid_t minder;
    std::uint64_t id;
  };

  enum class Awaited { orders, children };

  /// Waits for the end of a child, and for an order if it is awaited. Negative: for any time.
  void wait(std::chrono::milliseconds most, Awaited awaited) const {
    pollfd orders{awaited == Awaited::orders ? socket_ : -1, POLLIN, 0};
    const timespec time{most.count() / 1000, most.count() % 1000 * 1'000'000};
    sigset_t none;
    ::sigemptyset(&none);
    ::ppoll(&orders, 1, most.count() < 0 ? nullptr : &time, &none);
  }

  void receive() {
    std::array<char, mostOrder> bytes;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * streamsOfProgram)];
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    gone_ = got <= 0;
    if (gone_) return;
    MinderFiles files{.socket = socket_};
    const bool streams = takeStreams(message, files);
    obey(std::string_view(bytes.data(), static_cast<std::size_t>(got)), files, streams);
    if (streams)
      for (int stream : files.streams) ::close(stream);
  }

  static bool takeStreams(msghdr& message, MinderFiles& files) {
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof files.streams))
      return false;
    std::memcpy(files.streams, CMSG_DATA(header), sizeof files.streams);
    return true;
  }

  void obey(std::string_view bytes, const MinderFiles& files, bool streams) {
    const auto order = unpack<StarterOrder>(bytes);
    if (!order) return;
    switch (order->what) {
      case StarterOrder::What::start:
        if (streams) start(order->id, files, textsIn(bytes));
        break;
      case StarterOrder::What::kill:
        for (auto& one : minding_)
          if (one.id == order->id) ::kill(one.minder, killOrder);
        break;
      case StarterOrder::What::leave:
        patience_ = patienceWithLeave;
        break;
    }
  }

  void start(std::uint64_t id, const MinderFiles& files, const std::vector<std::string>& variables) {
    // More than the worker has under way: programs that were killed and still end, and minders that have
    // reported the end of theirs and not yet ended themselves.
    const std::size_t most = 2 * std::size_t(spec_.most);
    waitForMinders(patienceWithPlace, most - 1);
    if (minding_.size() >= most) return refuse(id, EAGAIN);
    const pid_t child = ::fork();
    if (child < 0) return refuse(id, errno);
    if (child == 0) mind(spec_, lock_, own_, id, files, variables);
    minding_.push_back({child, id});
  }

  void refuse(std::uint64_t id, int error) const {
    tell({StarterNotice::What::ended, error, id, ProgramEnd::How::notStarted});
  }
  void tell(const StarterNotice& notice) const {
    while (::send(socket_, &notice, sizeof notice, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
  }

  /// A minder that did not exit by itself has reported nothing, and its orphans are children of this process.
  void reap() {
    int status = 0;
    for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      auto found = std::find_if(minding_.begin(), minding_.end(),
                                [ended](const Minding& one) { return one.minder == ended; });
      if (found == minding_.end()) continue;
      const bool reported = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
      const std::uint64_t id = found->id;
      minding_.erase(found);
      if (reported) continue;
      endOrphans();
      tell({StarterNotice::What::ended, 0, id, ProgramEnd::How::lost});
    }
  }

  bool isMinder(pid_t child) const {
    return std::any_of(minding_.begin(), minding_.end(),
                       [child](const Minding& one) { return one.minder == child; });
  }

  void endOrphans() const {
    for (bool found = true; found;) {
      found = false;
      for (pid_t child : children_.now()) {
        if (isMinder(child)) continue;
        found = true;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
      }
    }
  }

  /// Ends all programs, and removes the folder of secrets.
  void leave() {
    waitForMinders(patience_, 0);
    for (auto& one : minding_) ::kill(one.minder, killOrder);
    waitForMinders(patienceWithKill, 0);
    for (auto& one : minding_) ::kill(one.minder, SIGKILL);
    minding_.clear();
    endOrphans();
    if (!spec_.removable.empty()) removeFolder(spec_.removable);
  }

  /// Until no more than `left` minders are left.
  void waitForMinders(std::chrono::milliseconds patience, std::size_t left) {
    const auto end = Clock::now() + patience;
    for (reap(); minding_.size() > left && Clock::now() < end; reap())
      wait(std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()), Awaited::children);
  }

  const ProgramSpec& spec_;
  const sandbox::ProgramLock& lock_;
  const int socket_;
  const pid_t own_;
  OwnChildren children_;
  std::vector<Minding> minding_;
  bool gone_ = false;                      // the worker is
  std::chrono::milliseconds patience_{0};  // with programs that end by themselves
};

[[noreturn]] void beStarter(const ProgramSpec& spec, int socket) {
  try {
    prepareSignals();
    socket = keepOnly(socket);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) sandbox::fail("child subreaper");
    if (::chdir("/") != 0) sandbox::fail("/");
    const sandbox::ProgramLock lock(spec.policy, spec.removable);
    Starter starter(spec, lock, socket);
    lock.lockStarter();
    starter.run();
  } catch (const std::exception& e) {
    const std::string failure = packed(StarterNotice{StarterNotice::What::failed, 0, 0, {}}, faultOf(e));
    ::send(socket, failure.data(), failure.size(), MSG_NOSIGNAL);
  }
  ::_exit(EXIT_FAILURE);
}

/// Throws unless the starter reports that it is ready.
void waitUntilReady(int socket) {
  char bytes[1024];
  ssize_t got = 0;
  do got = ::recv(socket, bytes, sizeof bytes, 0);
  while (got < 0 && errno == EINTR);
  std::string_view rest(bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  const auto notice = unpack<StarterNotice>(rest);
  if (notice && notice->what == StarterNotice::What::ready) return;
  throw Explained("the process that starts programs cannot be locked in: " +
                  (notice ? std::string(rest) : std::string("it has ended")));
}

}  // namespace

int forkStarter(const ProgramSpec& spec) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    ::close(pair[0]);
    beStarter(spec, pair[1]);
  }
  ::close(pair[1]);
  try {
    waitUntilReady(pair[0]);
  } catch (...) {
    ::close(pair[0]);
    throw;
  }
  return pair[0];
}

}  // namespace smsd::command
