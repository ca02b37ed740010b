// SPDX-License-Identifier: GPL-3.0-or-later
// The path of the queue's file: where it leads, and whether a queue can be there.
//
// SQLite follows symbolic links, and keeps its log beside the file that it finds. So everything that smsd
// keeps beside the queue has to go by that path, too. Owns that path. Called by connection.cpp, install.cpp
// and queue.cpp. Opens no file. Fails by QueueError.
#pragma once

#include <string>

namespace smsd::queue::sqlite {

/// Returns the path of the file that `path` leads to, without symbolic links. The file itself, or its folder,
/// may be missing. Never fails: opening a path that leads nowhere gives the reason.
std::string resolved(const std::string& path);

/// Throws if no program can have the queue's file at this path: a folder or a FIFO is there, the path is too
/// long, or it leads nowhere. Does nothing if a file is there or can be created.
void refuseNoFile(const std::string& path);

/// Throws if the file has a second name (hard link). A process that opens it by that name would use another
/// log and another lock, which damages the queue. Does nothing if there is no file.
void refuseSecondName(const std::string& path);

}  // namespace smsd::queue::sqlite
