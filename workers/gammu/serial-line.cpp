// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/serial-line.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto slice = 50ms;         // an interruption is noticed within this time
constexpr auto longestHeld = 300ms;  // how long an answer is held while its command has not been echoed
constexpr auto longestDrain = 500ms;

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
      return LineError::inUse;
    default:
      return LineError::failed;
  }
}

/// Sets the line to raw mode at `speed`, without flow control, and raises DTR and RTS, which modems wait for.
bool prepare(int fd, unsigned speed) {
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) return false;
  cfmakeraw(&settings);
  settings.c_iflag = IGNPAR;
  settings.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | CRTSCTS);
  settings.c_cflag |= CREAD | CLOCAL | HUPCL;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  cfsetispeed(&settings, codeOf(speed));
  cfsetospeed(&settings, codeOf(speed));
  if (tcsetattr(fd, TCSANOW, &settings) != 0) return false;
  int signals = TIOCM_DTR | TIOCM_RTS;
  ioctl(fd, TIOCMBIS, &signals);  // may fail: a line without them, such as a pseudo terminal, works too
  return true;
}

}  // namespace

LineError SerialLine::open(const std::string& device, unsigned speed) {
  close();
  // Without O_NONBLOCK, open() would wait for a carrier, which a modem need not raise.
  fd_ = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) return errorOf(errno);
  LineError result = LineError::none;
  int exclusive = 0;
  struct stat status {};
  if (fstat(fd_, &status) != 0 || !S_ISCHR(status.st_mode) || isatty(fd_) == 0) result = LineError::failed;
  // flock detects programs that use it, too (libgammu's tools, minicom). TIOCGEXCL detects programs that have
  // set exclusive mode (ModemManager), which keeps out everyone but root.
  else if (flock(fd_, LOCK_EX | LOCK_NB) != 0 || (ioctl(fd_, TIOCGEXCL, &exclusive) == 0 && exclusive != 0))
    result = LineError::inUse;
  else if (ioctl(fd_, TIOCEXCL); !prepare(fd_, speed))
    result = LineError::failed;
  if (result != LineError::none) {
    ::close(fd_);
    fd_ = -1;
  }
  forgetCommand();
  return result;
}

void SerialLine::close() {
  if (fd_ < 0) return;
  ioctl(fd_, TIOCNXCL);  // otherwise it lasts for as long as another program holds the line
  ::close(fd_);
  fd_ = -1;
}

bool SerialLine::hungUp() const {
  pollfd look{fd_, 0, 0};
  return fd_ >= 0 && ::poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void SerialLine::flush() { tcflush(fd_, TCIOFLUSH); }

void SerialLine::readUntilQuiet(Milliseconds silence) {
  const auto end = Clock::now() + longestDrain;
  while (Clock::now() < end && waitFor(POLLIN, std::min(end, Clock::now() + silence)))
    if (!receive()) return;
}

bool SerialLine::waitFor(short events, Clock::time_point end) const {
  while (!interrupted_) {
    // Polls even when the time is over, because on a busy machine the bytes may have come in time.
    const auto left = std::max(std::chrono::ceil<Milliseconds>(end - Clock::now()), Milliseconds(0));
    pollfd look{fd_, events, 0};
    const int count = ::poll(&look, 1, static_cast<int>(std::min<Milliseconds>(left, slice).count()));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
    if (left == 0ms) return false;
  }
  return false;
}

void SerialLine::write(std::string_view bytes, Milliseconds within) {
  const auto end = Clock::now() + within;
  while (!interrupted_) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    if (bytes.empty()) return;
    if (written < 0 && errno != EAGAIN && errno != EINTR) return;
    if (!waitFor(POLLOUT, end)) return;
  }
}

bool SerialLine::receive() {
  char buffer[1024];
  const ssize_t count = ::read(fd_, buffer, sizeof buffer);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return false;
  if (count > 0) dialogue_.fromModem({buffer, static_cast<std::size_t>(count)});
  return true;
}

SerialLine::Milliseconds SerialLine::acceptHeld(Milliseconds wait) {
  if (!dialogue_.hasHeldAnswer()) {
    heldSince_.reset();
    return wait;
  }
  const auto now = Clock::now();
  if (!heldSince_) heldSince_ = now;
  const auto left = std::chrono::ceil<Milliseconds>(*heldSince_ + longestHeld - now);
  if (left > 0ms) return std::min(wait, left);
  dialogue_.acceptHeld();
  heldSince_.reset();
  return 0ms;
}

AtReply SerialLine::ask(std::string_view command, Milliseconds within) {
  const auto end = Clock::now() + within;
  write(dialogue_.fromDriver(std::string(command) + "\r"), within);
  bool isOver = false;  // then look once more, for bytes that came in time
  for (;;) {
    const auto wait = acceptHeld(std::chrono::ceil<Milliseconds>(end - Clock::now()));
    if (dialogue_.reply() || interrupted_ || isOver) break;
    isOver = Clock::now() >= end;
    if (waitFor(POLLIN, Clock::now() + wait) && !receive()) return AtReply::of(AtReply::End::gone);
  }
  if (isOver) dialogue_.acceptHeld();
  dialogue_.takeForDriver();
  return dialogue_.reply().value_or(AtReply{});
}

}  // namespace smsd::gammu
