#include "workers/gammu/line.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t mostLines = 32;
constexpr std::size_t mostLine = 200;
constexpr std::size_t mostAnswer = 16384;
constexpr auto slice = 50ms;  // how soon an interruption is noticed

speed_t codeOf(unsigned speed) {
  switch (speed) {
    case 4800:
      return B4800;
    case 9600:
      return B9600;
    case 38400:
      return B38400;
    case 57600:
      return B57600;
    case 115200:
      return B115200;
    case 230400:
      return B230400;
    case 460800:
      return B460800;
    case 921600:
      return B921600;
    default:
      return B19200;
  }
}

LineError errorOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
      return LineError::absent;
    case EACCES:
    case EPERM:
      return LineError::noPermission;
    case EBUSY:
      return LineError::held;
    default:
      return LineError::failed;
  }
}

/// Raw, at a speed, without modem control: what comes is what the modem said.
bool prepare(int fd, unsigned speed) {
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) return false;
  cfmakeraw(&settings);
  settings.c_cflag |= CREAD | CLOCAL;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  cfsetispeed(&settings, codeOf(speed));
  cfsetospeed(&settings, codeOf(speed));
  return tcsetattr(fd, TCSANOW, &settings) == 0;
}

bool startsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

/// True: this line ends the answer.
bool takeEnd(std::string_view line, Reply& reply) {
  auto number = [&](std::string_view prefix, Reply::End end) {
    if (!startsWith(line, prefix)) return false;
    std::string_view digits = line.substr(prefix.size());
    while (startsWith(digits, " ")) digits.remove_prefix(1);
    reply.end = end;
    std::from_chars(digits.data(), digits.data() + digits.size(), reply.number);
    return true;
  };
  if (number("+CME ERROR:", Reply::End::cme) || number("+CMS ERROR:", Reply::End::cms)) return true;
  if (line == "OK") reply.end = Reply::End::ok;
  if (line == "ERROR") reply.end = Reply::End::error;
  return line == "OK" || line == "ERROR";
}

/// Takes the whole lines off `bytes`. True: the answer has ended.
bool takeLines(std::string& bytes, std::string_view command, Reply& reply) {
  for (std::size_t end; (end = bytes.find_first_of("\r\n")) != std::string::npos;) {
    std::string line = bytes.substr(0, std::min(end, mostLine));
    bytes.erase(0, end + 1);
    if (line.empty() || line == command) continue;
    if (takeEnd(line, reply)) return true;
    if (reply.lines.size() < mostLines) reply.lines.push_back(std::move(line));
  }
  if (bytes.size() > mostAnswer) bytes.clear();
  return false;
}

}  // namespace

std::optional<std::string> Reply::after(std::string_view prefix) const {
  for (auto& line : lines)
    if (startsWith(line, prefix)) return line.substr(prefix.size());
  return std::nullopt;
}

LineError Line::open(const std::string& device, unsigned speed) {
  close();
  // Without O_NONBLOCK it would wait for a carrier that a modem need not raise.
  fd_ = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) return errorOf(errno);
  LineError result = LineError::none;
  int exclusive = 0;
  struct stat status {};
  if (fstat(fd_, &status) != 0 || !S_ISCHR(status.st_mode) || isatty(fd_) == 0) result = LineError::failed;
  // flock: who plays by the same rule (libgammu's tools, minicom). TIOCGEXCL: who keeps everybody else from
  // opening it (ModemManager), which stops all but root.
  else if (flock(fd_, LOCK_EX | LOCK_NB) != 0 || (ioctl(fd_, TIOCGEXCL, &exclusive) == 0 && exclusive != 0))
    result = LineError::held;
  else if (!prepare(fd_, speed))
    result = LineError::failed;
  if (result != LineError::none) {
    ::close(fd_);
    fd_ = -1;
  }
  return result;
}

void Line::close() {
  if (fd_ < 0) return;
  ioctl(fd_, TIOCNXCL);  // libgammu's, which would outlive it where somebody else still holds the line
  ::close(fd_);
  fd_ = -1;
}

bool Line::hungUp() const {
  pollfd look{fd_, 0, 0};
  return fd_ >= 0 && ::poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void Line::flush() { tcflush(fd_, TCIOFLUSH); }

void Line::drain(Milliseconds silence) {
  char buffer[1024];
  // A modem that never stops talking is not waited for.
  for (int most = 0; most < 100 && waitFor(POLLIN, Clock::now() + silence); ++most)
    if (::read(fd_, buffer, sizeof buffer) <= 0) return;
}

void Line::yieldLock() { flock(fd_, LOCK_UN); }

bool Line::waitFor(short events, Clock::time_point end) const {
  while (!interrupted_) {
    auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left <= 0ms) return false;
    pollfd look{fd_, events, 0};
    int count = ::poll(&look, 1, static_cast<int>(std::min<Milliseconds>(left, slice).count()));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
  return false;
}

void Line::write(std::string_view bytes, Milliseconds within) {
  auto end = Clock::now() + within;
  while (!bytes.empty() && waitFor(POLLOUT, end)) {
    ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno != EAGAIN && errno != EINTR) return;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

Reply Line::ask(std::string_view command, Milliseconds within) {
  Reply reply;
  auto end = Clock::now() + within;
  std::string line(command);
  write(line + "\r", within);
  std::string bytes;
  while (waitFor(POLLIN, end)) {
    char buffer[1024];
    ssize_t count = ::read(fd_, buffer, sizeof buffer);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      reply.end = Reply::End::gone;
      return reply;
    }
    if (count < 0) continue;
    bytes.append(buffer, static_cast<std::size_t>(count));
    if (takeLines(bytes, command, reply)) return reply;
  }
  return reply;
}

}  // namespace smsd::gammu
