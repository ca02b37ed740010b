// SPDX-License-Identifier: GPL-3.0-or-later
// A hash of the content of a row of smsq, because ids are reused after a restored dump.
//
// Called by the SQLite backend: in C++ for the rows that a claim reads, and in SQL as smsd_stamp(time, phone,
// msg). Pure. Stamps are stored in the file, so the constants of FNV-1a (64 bits) never change.
#pragma once

#include <cstdint>
#include <string_view>

namespace smsd::queue::sqlite {

inline std::int64_t stampOf(std::string_view time, std::string_view phone, std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::string_view part : {time, phone, text}) {
    for (char byte : part) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    hash = (hash ^ 0x100) * 0x100000001b3;  // separator: no byte has this value
  }
  return static_cast<std::int64_t>(hash);
}

}  // namespace smsd::queue::sqlite
