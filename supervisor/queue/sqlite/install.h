// SPDX-License-Identifier: GPL-3.0-or-later
// The installation of a queue in a file: its tables, its indexes, and the step from an older version.
//
// Owns the decision whether a file is a queue of this version. Called by queue.cpp for each connection, and
// by `smsctl db install`. Never reads or writes a message. Fails by QueueError.
#pragma once

#include <memory>
#include <string>

#include "supervisor/queue/sqlite/connection.h"

namespace smsd::queue::sqlite {

enum class FileState {
  fresh,  // the file was empty or missing: the tables were created now
  ready,
};

struct OpenedFile {
  std::unique_ptr<Session> session;
  FileState state = FileState::ready;
};

/// The holder of the lock beside the file (lockOwner).
enum class LockedBy { thisProcess, another };

/// Throws `notInstalled` if there is no such file, or if it is empty.
void requireQueue(const std::string& path);

/// Opens the file, and creates the tables if it is empty. Refuses files that are no database, databases of
/// other programs, files with a second name, and queues of a newer smsd. Migrates an older queue, which no
/// other process may be using.
OpenedFile openQueueFile(const std::string& path, Session::IfMissing missing = Session::IfMissing::make,
                         LockedBy lock = LockedBy::another);

}  // namespace smsd::queue::sqlite
