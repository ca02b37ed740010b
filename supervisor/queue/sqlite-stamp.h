// What a row of smsq is, whatever its id: ids come again after a restored dump.
//
// Called by the SQLite backend, in C++ for what a claim read and in SQL as smsd_stamp(time, phone, msg).
// Pure. A stamp stands in the file: the numbers of FNV-1a (64 bits) never change.
#pragma once

#include <cstdint>
#include <string_view>

namespace smsd::queue {

inline std::int64_t stampOf(std::string_view time, std::string_view phone, std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::string_view part : {time, phone, text}) {
    for (char byte : part) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    hash = (hash ^ 0x100) * 0x100000001b3;  // between two: no byte is that
  }
  return static_cast<std::int64_t>(hash);
}

}  // namespace smsd::queue
