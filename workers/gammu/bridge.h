// SPDX-License-Identifier: GPL-3.0-or-later
// The serial line as libgammu sees it: a pseudo terminal of this process, with the dialogue behind it.
//
// Owns the pseudo terminal, and the thread that carries bytes between it and the modem's line while libgammu
// waits in a call. Construct it before the sandbox is in force, because the sandbox allows no other terminal.
// Called by the modem on its thread. Throws std::system_error if the system has no pseudo terminal left.
#pragma once

#include <kj/io.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "workers/gammu/serial-line.h"

namespace smsd::gammu {

class Bridge {
 public:
  Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  /// The device that libgammu has to open.
  const std::string& path() const { return path_; }
  /// Discards all bytes that are buffered in either direction.
  void clear();

  /// Carries the bytes that arrive within `wait`, in both directions. Returns false if the modem is gone.
  bool carry(SerialLine& line, std::chrono::milliseconds wait);
  /// Ends a waiting carry(). May be called on any thread.
  void wake();

 private:
  bool toModem(SerialLine& line);
  void toDriver(SerialLine& line);

  kj::AutoCloseFd near_;  // our side of the terminal
  kj::AutoCloseFd far_;   // libgammu's side, kept open so that the terminal survives when libgammu closes it
  kj::AutoCloseFd wake_;
  std::string path_;
};

/// The thread that carries bytes while libgammu waits in a call. It is started once, because the sandbox
/// allows no new thread later, and works only between begin() and end().
class Carrier {
 public:
  /// Calls `onGone` on the carrying thread when the modem is gone.
  Carrier(Bridge& bridge, SerialLine& line, std::function<void()> onGone);
  ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  void begin();
  /// Returns when the thread no longer uses the line and the bridge.
  void end();

 private:
  enum class State { resting, carrying, ending, over };
  void work();

  Bridge& bridge_;
  SerialLine& line_;
  const std::function<void()> onGone_;
  std::mutex guard_;
  std::condition_variable changed_;
  std::atomic<State> state_{State::resting};  // written under `guard_`
  std::thread thread_;
};

/// Keeps the carrier working for as long as this object lives.
class Carried {
 public:
  explicit Carried(Carrier& carrier) : carrier_(carrier) { carrier_.begin(); }
  ~Carried() { carrier_.end(); }
  Carried(const Carried&) = delete;
  Carried& operator=(const Carried&) = delete;

 private:
  Carrier& carrier_;
};

}  // namespace smsd::gammu
