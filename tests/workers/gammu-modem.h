// SPDX-License-Identifier: GPL-3.0-or-later
// tests/peers/modem.py under control, and a Modem or a dispatcher before it.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/workers/peers.h"
#include "workers/gammu/gammu.h"

namespace smsd::test {

class Emulator {
 public:
  explicit Emulator(const std::vector<std::string>& told = {})
      : program_(command(told), {"PATH=/usr/bin:/bin"}, -1) {
    if (program_.firstLine().empty()) throw std::runtime_error("the modem did not start");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    control().string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("the modem does not listen");
  }
  ~Emulator() { ::close(socket_); }

  std::string tell(const std::string& text) {
    const std::string line = text + "\n";
    if (::write(socket_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::runtime_error("the modem is gone");
    std::string answer;
    char c = 0;
    while (::read(socket_, &c, 1) == 1 && c != '\n') answer += c;
    if (answer.starts_with("error")) throw std::runtime_error(text + ": " + answer);
    return answer;
  }
  nlohmann::json status() { return nlohmann::json::parse(tell("status")); }
  std::vector<nlohmann::json> sms() const {
    std::vector<nlohmann::json> result;
    std::ifstream file(folder_.path / "sms");
    for (std::string line; std::getline(file, line);) result.push_back(nlohmann::json::parse(line));
    return result;
  }
  std::string link() const { return folder_.path / "modem"; }
  const std::filesystem::path& folder() const { return folder_.path; }

 private:
  std::filesystem::path control() const { return folder_.path / "control"; }
  std::vector<std::string> command(const std::vector<std::string>& told) const {
    std::vector<std::string> words = {"/usr/bin/python3",
                                      "-B",
                                      SMSD_PEERS "/modem.py",
                                      "--link",
                                      link(),
                                      "--record",
                                      folder_.path / "sms",
                                      "--control",
                                      control()};
    words.insert(words.end(), told.begin(), told.end());
    return words;
  }

  Folder folder_;
  Program program_;
  int socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

}  // namespace smsd::test

namespace smsd::gammu {

/// Calls modem.abort() after a while, as the dispatcher does at a deadline.
class Alarm {
 public:
  Alarm(Modem& modem, std::chrono::milliseconds after)
      : thread_([&modem, after, this] {
          std::unique_lock lock(guard_);
          if (!changed_.wait_for(lock, after, [this] { return over_; })) modem.abort();
        }) {}
  ~Alarm() {
    {
      std::lock_guard lock(guard_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  std::mutex guard_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

inline ModemSettings settingsFor(const test::Emulator& emulator) {
  ModemSettings settings;
  settings.phone = {emulator.link(), "at115200", ""};
  return settings;
}

inline std::string problemOf(const ModemCondition& condition) {
  return condition.problem ? outcomeOf(*condition.problem).words : "";
}

inline std::string said(const SendResult& sent) {
  return std::string(name(sent.outcome.kind)) + " " + sent.outcome.words;
}

inline Sms anSms(const std::string& text = "router down", const std::string& number = "+4799887766") {
  return {number, text, "key-1"};
}

}  // namespace smsd::gammu
