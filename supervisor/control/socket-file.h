// The file of a socket that smsd listens on.
//
// Owns the path from listen() to its own end: what is removed there is a socket that nobody listens on, or
// the one that was made here, and never anything else. Called by the control server. Throws
// CannotListen where it cannot listen.
#pragma once

#include <kj/io.h>
#include <sys/types.h>

#include <filesystem>

#include "common/fault.h"

namespace smsd::control {

/// The socket cannot be had; what() is for the operator.
class CannotListen : public Explained {
  using Explained::Explained;
};

class SocketFile {
 public:
  /// Listens at `path`, with mode 0660.
  explicit SocketFile(const std::filesystem::path& path);
  /// Removes the file, if it is still the one that was made.
  ~SocketFile();
  KJ_DISALLOW_COPY(SocketFile);

  /// To be taken once.
  kj::AutoCloseFd takeListener() { return kj::mv(listener_); }

 private:
  std::filesystem::path path_;
  kj::AutoCloseFd listener_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace smsd::control
