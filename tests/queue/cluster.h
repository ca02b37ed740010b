// SPDX-License-Identifier: GPL-3.0-or-later
// A throw-away PostgreSQL server for one run of the tests.
//
// Owns a fresh folder below the temporary one with a cluster in it: trust, a Unix socket in that folder and
// nothing else, no fsync. Started by the first case that asks for it, ended with the program, and by the
// kernel when the program dies. As root the server runs as the user `postgres`. Fails by throwing with the
// server's own words.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace smsd::queue {

class Cluster {
 public:
  static Cluster& shared();
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// A connection string; the superuser is `postgres`.
  std::string connection(const std::string& database, const std::string& user = "postgres") const;

 private:
  Cluster();
  void initialise();
  void start();
  void awaitReady();
  std::string log() const;

  std::filesystem::path folder_;
  std::filesystem::path programs_;
  pid_t server_ = -1;
};

}  // namespace smsd::queue
