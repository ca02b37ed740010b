// SPDX-License-Identifier: GPL-3.0-or-later
// SQL of each connection to a queue in a file: its settings, what it reads of the file itself, and the clock.
// Called by queue.cpp, queue-file.cpp, install.cpp and lease.cpp.
#pragma once

#include "supervisor/queue/statement.h"

namespace smsd::queue::sqlite::sql {

constexpr auto countTables = "SELECT count(*) FROM sqlite_schema";
constexpr auto userVersion = "PRAGMA user_version";
constexpr auto applicationIdOfFile = "PRAGMA application_id";
constexpr auto setUserVersion = "PRAGMA user_version = {}";
constexpr auto setApplicationId = "PRAGMA application_id = {}";

enum class JournalMode { journalMode };
inline constexpr Statement<JournalMode> journalMode = "PRAGMA journal_mode = WAL";
constexpr auto settings =
    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA "
    "cell_size_check = ON; "
    "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16000";
// Sizes of the log: when it is written into the file, and to how many bytes it is cut afterwards.
constexpr auto boundLog = "PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {}";
constexpr auto pageSize = "PRAGMA page_size";
constexpr auto dataVersion = "PRAGMA data_version";

enum class Uuid { uuid };
inline constexpr Statement<Uuid> uuid = "SELECT uuid FROM smsd_installation";
constexpr auto lastAttempt = "SELECT last_attempt FROM smsd_installation";
// For a file that may be an older copy. Otherwise its new submissions and attempts would reuse keys and
// numbers.
constexpr auto beginNewKeys =
    "UPDATE smsd_installation SET uuid = lower(hex(randomblob(16))), last_attempt = max(last_attempt, ?)";

enum class QuickCheck { quickCheck };
inline constexpr Statement<QuickCheck> isSound = "PRAGMA quick_check(1)";

enum class Clock { ms, text };
// The only clock: ms since 1970, and the same moment as text for smsq.
inline constexpr Statement<Clock> clock =
    "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS ms, strftime('%Y-%m-%d "
    "%H:%M:%f', "
    "'now') AS text";

/// A list of ids, one a row.
enum class Ids { id };
inline constexpr Statement<Ids> listOfIds = "SELECT value AS id FROM json_each(?)";

}  // namespace smsd::queue::sqlite::sql
