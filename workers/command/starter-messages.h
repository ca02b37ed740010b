// SPDX-License-Identifier: GPL-3.0-or-later
// The messages between the worker, its starter and the minders of programs, each one datagram of a socket
// pair (SOCK_SEQPACKET). Pure.
//
// All are of one host and one program, so they are plain structures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/command/program-end.h"

namespace smsd::command {

/// Bytes: the longest text and number of an SMS, and what belongs to them.
constexpr std::size_t mostOrder = 32768;
/// The program's stdin, stdout and stderr go with an order to start.
constexpr std::size_t streamsOfProgram = 3;

/// An order to the starter. `start` is followed by variables, NAME=VALUE with a NUL each.
struct StarterOrder {
  enum class What : std::uint32_t {
    start,
    kill,   // the program `id` with its descendants
    leave,  // before the end of the connection: programs that end by themselves are not killed
  };
  What what = What::start;
  std::uint64_t id = 0;
};

/// A report to the worker.
struct StarterNotice {
  enum class What : std::uint32_t {
    ready,   // the starter is locked in
    failed,  // the starter cannot be locked in; a text follows
    ended,   // the program `id` and all its descendants have ended
  };
  What what = What::ended;
  std::int32_t value = 0;
  std::uint64_t id = 0;
  ProgramEnd::How how = ProgramEnd::How::lost;
};

/// Returns the message with `rest` behind it.
template <typename T>
std::string packed(const T& message, std::string_view rest = {}) {
  std::string bytes(sizeof message, '\0');
  std::memcpy(bytes.data(), &message, sizeof message);
  return bytes.append(rest);
}

/// Returns the message at the beginning of `bytes`, which becomes the rest; none if there is not enough.
template <typename T>
std::optional<T> unpack(std::string_view& bytes) {
  T message;
  if (bytes.size() < sizeof message) return std::nullopt;
  std::memcpy(&message, bytes.data(), sizeof message);
  bytes.remove_prefix(sizeof message);
  return message;
}

/// Returns the texts in `bytes`, each of which ends with a NUL.
inline std::vector<std::string> textsIn(std::string_view bytes) {
  std::vector<std::string> texts;
  for (std::size_t end; (end = bytes.find('\0')) != std::string_view::npos; bytes.remove_prefix(end + 1))
    texts.emplace_back(bytes.substr(0, end));
  return texts;
}

}  // namespace smsd::command
