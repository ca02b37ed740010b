// SPDX-License-Identifier: GPL-3.0-or-later
// The memory for large answers: reserved before a question is asked, and free again when its answer has gone.
//
// A client may ask for much and read nothing. So a question waits until there is room for the most that it
// may answer. The room is counted for each user over all connections, and for all users together; root and
// smsd's own user have a room beside that of the others. Owned by the control server; a Reservation is held
// by the call, a connection's answers by the connection. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace smsd::control {

class AnswerRoom {
 public:
  using User = std::optional<unsigned>;

  static constexpr std::size_t largest = 1 << 20;       // bytes: twice the texts of an answer (maxAnswer)
  static constexpr std::size_t forOne = 4 * largest;    // of one user
  static constexpr std::size_t forOthers = 4 * forOne;  // of all but root and smsd's own

  explicit AnswerRoom(unsigned own) : own_(own) {}

  bool has(User user, std::size_t bytes) const {
    return of(user) + bytes <= forOne && (trusted(user) || others_ + bytes <= forOthers);
  }
  void take(User user, std::size_t bytes) {
    taken_[user] += bytes;
    if (!trusted(user)) others_ += bytes;
  }
  void give(User user, std::size_t bytes) {
    auto found = taken_.find(user);
    if (found == taken_.end()) return;
    bytes = std::min(bytes, found->second);
    found->second -= bytes;
    if (found->second == 0) taken_.erase(found);
    if (!trusted(user)) others_ -= bytes;
  }
  std::size_t of(User user) const {
    auto found = taken_.find(user);
    return found == taken_.end() ? 0 : found->second;
  }

 private:
  bool trusted(User user) const { return user && (*user == 0 || *user == own_); }

  unsigned own_;
  std::map<User, std::size_t> taken_;
  std::size_t others_ = 0;
};

/// What one connection has of the room: answers that wait to be written to it.
class ConnectionAnswers {
 public:
  ConnectionAnswers(std::shared_ptr<AnswerRoom> room, AnswerRoom::User user)
      : room_(std::move(room)), user_(user) {}
  ConnectionAnswers(const ConnectionAnswers&) = delete;
  ConnectionAnswers& operator=(const ConnectionAnswers&) = delete;
  ~ConnectionAnswers() { room_->give(user_, leaving_); }

  AnswerRoom::User user() const { return user_; }
  /// Everything that waited to be written has been written, or never will be.
  void gone() { room_->give(user_, std::exchange(leaving_, 0)); }

 private:
  friend class Reservation;
  std::shared_ptr<AnswerRoom> room_;
  AnswerRoom::User user_;
  std::size_t leaving_ = 0;
};

/// The room for the answer to one question.
class Reservation {
 public:
  /// `bytes` 0: the answer is small.
  Reservation(std::shared_ptr<ConnectionAnswers> connection, std::size_t bytes)
      : connection_(std::move(connection)), bytes_(bytes) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() { connection_->room_->give(user(), held_); }

  AnswerRoom::User user() const { return connection_->user_; }
  bool mayBeMade() const { return held_ > 0 || connection_->room_->has(user(), bytes_); }
  void make() {
    if (held_ > 0) return;
    connection_->room_->take(user(), bytes_);
    held_ = bytes_;
  }
  /// The answer is made, has this size, and waits to be written.
  void answered(std::size_t size) {
    size = std::min(size, held_);
    connection_->room_->give(user(), held_ - size);
    connection_->leaving_ += size;
    held_ = 0;
  }

 private:
  std::shared_ptr<ConnectionAnswers> connection_;
  std::size_t bytes_;
  std::size_t held_ = 0;
};

}  // namespace smsd::control
