// SPDX-License-Identifier: GPL-3.0-or-later
// The clock of SQLite in queue-test: it never goes back, and each look at it is a millisecond later than the
// one before. The system's clock may be set back while the tests run, and rows that should differ by their
// time would then be equal, or in another order. The clock suite steps the time by itself.
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace smsd::queue {

namespace {

using Steady = std::chrono::steady_clock;

sqlite3_int64 systemTime() {
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  sqlite3_int64 now = 0;
  system->xCurrentTimeInt64(system, &now);
  return now;
}

/// Milliseconds since noon in Greenwich on 24 November 4714 BC, as SQLite counts them.
const sqlite3_int64 begin = systemTime();
const Steady::time_point steadyBegin = Steady::now();

int steadyTime(sqlite3_vfs*, sqlite3_int64* now) {
  static std::atomic<sqlite3_int64> last = 0;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - steadyBegin);
  sqlite3_int64 before = last;
  do *now = std::max<sqlite3_int64>(begin + passed.count(), before + 1);
  while (!last.compare_exchange_weak(before, *now));
  return SQLITE_OK;
}

/// SQLite's own file system but for the clock, for every connection that is opened from now on.
[[maybe_unused]] const bool used = [] {
  static sqlite3_vfs steady = *sqlite3_vfs_find(nullptr);
  steady.zName = "steady";
  steady.xCurrentTimeInt64 = steadyTime;
  return sqlite3_vfs_register(&steady, 1) == SQLITE_OK;
}();

}  // namespace

}  // namespace smsd::queue
