// SPDX-License-Identifier: GPL-3.0-or-later
// The file of a socket that smsd listens on.
//
// Owns the path from listen() until the object ends. It removes only a socket there on which no process
// listens, or its own. Called by the control server. Throws CannotListen if it cannot listen.
#pragma once

#include <kj/io.h>
#include <sys/types.h>

#include <filesystem>

#include "common/fault.h"

namespace smsd::control {

/// smsd cannot listen on the socket; what() is for the operator.
class CannotListen : public Explained {
  using Explained::Explained;
};

class SocketFile {
 public:
  /// Listens at `path`, with mode 0660.
  explicit SocketFile(const std::filesystem::path& path);
  /// Removes the file unless another file has replaced it.
  ~SocketFile();
  KJ_DISALLOW_COPY(SocketFile);

  /// May be called once.
  kj::AutoCloseFd takeListener() { return kj::mv(listener_); }

 private:
  std::filesystem::path path_;
  kj::AutoCloseFd listener_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace smsd::control
