// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/bridge.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "workers/gammu/blocking-thread.h"

namespace smsd::gammu {
namespace {

using namespace std::chrono_literals;

constexpr auto writing = 2000ms;  // longest wait for a modem, or libgammu, that does not read

[[noreturn]] void fail() {
  throw std::system_error(errno, std::system_category(), "no pseudo terminal for libgammu");
}

}  // namespace

Bridge::Bridge()
    : near_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  char name[64] = "";
  if (near_.get() < 0 || wake_.get() < 0 || ::grantpt(near_) != 0 || ::unlockpt(near_) != 0 ||
      ::ptsname_r(near_, name, sizeof name) != 0)
    fail();
  path_ = name;
  far_ = kj::AutoCloseFd(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  termios settings{};
  if (far_.get() < 0 || ::tcgetattr(far_, &settings) != 0) fail();
  ::cfmakeraw(&settings);
  if (::tcsetattr(far_, TCSANOW, &settings) != 0) fail();
}

void Bridge::clear() {
  ::tcflush(far_, TCIOFLUSH);
  ::tcflush(near_, TCIOFLUSH);
}

void Bridge::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(wake_, &one, sizeof one);
}

bool Bridge::carry(SerialLine& line, std::chrono::milliseconds wait) {
  wait = line.acceptHeld(wait);
  pollfd look[] = {{line.fd(), POLLIN, 0}, {near_, POLLIN, 0}, {wake_, POLLIN, 0}};
  const int count = ::poll(look, 3, static_cast<int>(wait.count()));
  if (count < 0) return errno == EINTR;
  if (look[2].revents != 0) {
    std::uint64_t ignored = 0;
    [[maybe_unused]] auto got = ::read(wake_, &ignored, sizeof ignored);
  }
  bool isThere = true;
  if (look[1].revents != 0) isThere = toModem(line);
  if (look[0].revents != 0 && isThere) isThere = line.receive();
  toDriver(line);
  return isThere;
}

bool Bridge::toModem(SerialLine& line) {
  char buffer[1024];
  const ssize_t count = ::read(near_, buffer, sizeof buffer);
  if (count <= 0) return true;
  line.write(line.dialogue().fromDriver({buffer, static_cast<std::size_t>(count)}), writing);
  return !line.hungUp();
}

void Bridge::toDriver(SerialLine& line) {
  const std::string bytes = line.dialogue().takeForDriver();
  std::string_view rest = bytes;
  const auto end = std::chrono::steady_clock::now() + writing;
  while (!rest.empty()) {
    const ssize_t written = ::write(near_, rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (std::chrono::steady_clock::now() >= end) return;
    pollfd look{near_, POLLOUT, 0};
    ::poll(&look, 1, 100);
  }
}

Carrier::Carrier(Bridge& bridge, SerialLine& line, std::function<void()> onGone)
    : bridge_(bridge), line_(line), onGone_(std::move(onGone)), thread_([this] { work(); }) {}

Carrier::~Carrier() {
  {
    std::lock_guard lock(guard_);
    state_ = State::over;
    changed_.notify_all();
  }
  bridge_.wake();
  thread_.join();
}

void Carrier::begin() {
  std::lock_guard lock(guard_);
  state_ = State::carrying;
  changed_.notify_all();
}

void Carrier::end() {
  std::unique_lock lock(guard_);
  state_ = State::ending;
  changed_.notify_all();  // once the modem is gone, the thread waits for this
  bridge_.wake();
  changed_.wait(lock, [this] { return state_ == State::resting; });
}

void Carrier::work() {
  blockSignals();
  for (std::unique_lock lock(guard_);;) {
    changed_.wait(lock, [this] { return state_ != State::resting; });
    if (state_ == State::over) return;
    lock.unlock();
    bool isThere = true;
    while (state_ == State::carrying && (isThere = bridge_.carry(line_, 1s))) {
    }
    if (!isThere && state_ == State::carrying) onGone_();
    lock.lock();
    changed_.wait(lock, [this] { return state_ != State::carrying; });
    if (state_ == State::over) return;
    state_ = State::resting;
    changed_.notify_all();
  }
}

}  // namespace smsd::gammu
