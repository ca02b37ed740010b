// The line as libgammu sees it: a pseudo terminal of this process, behind which the dialogue stands.
//
// Owns the pseudo terminal, and the thread that carries bytes between it and the modem's line while libgammu
// waits in a call. Made before the process is locked in, as the lock allows no other terminal. Called by the
// modem on its thread. Throws std::system_error where the system has no pseudo terminal to give.
#pragma once

#include <kj/io.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "workers/gammu/line.h"

namespace smsd::gammu {

class Bridge {
 public:
  Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  /// The device for libgammu to open.
  const std::string& path() const { return path_; }
  /// Throws away what is under way in both directions.
  void clear();

  /// Carries what comes within `wait`, in both directions. False: the modem is gone.
  bool carry(Line& line, std::chrono::milliseconds wait);
  /// Ends a carry() that waits, from any thread.
  void wake();

 private:
  bool toModem(Line& line);
  void toDriver(Line& line);

  kj::AutoCloseFd near_;  // this side
  kj::AutoCloseFd far_;   // libgammu's, kept open so that its closing does not hang up the terminal
  kj::AutoCloseFd wake_;
  std::string path_;
};

/// The thread that carries while libgammu waits in a call. It is started once, as a locked process starts no
/// thread later, and does nothing but between begin() and end().
class Carrier {
 public:
  /// `onGone` is called on the carrying thread when the modem is gone.
  Carrier(Bridge& bridge, Line& line, std::function<void()> onGone);
  ~Carrier();
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  void begin();
  /// Returns when the thread has left the line and the bridge alone.
  void end();

 private:
  enum class State { resting, carrying, ending, over };
  void work();

  Bridge& bridge_;
  Line& line_;
  const std::function<void()> onGone_;
  std::mutex guard_;
  std::condition_variable changed_;
  std::atomic<State> state_{State::resting};  // written under `guard_`
  std::thread thread_;
};

/// Carries while it lives.
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
