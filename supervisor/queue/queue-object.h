// SPDX-License-Identifier: GPL-3.0-or-later
// A queue of your own as smsd loads it: the one symbol that its shared object exports.
//
//   std::unique_ptr<smsd::queue::Queue> open(const std::string& connection) { ... }
//   SMSD_QUEUE(open, nullptr);
//
// The object is smsd-queue-NAME.so, selected by `queue.backend: NAME`. Types of the C++ library and
// exceptions cross its boundary, so it has to be compiled against the headers of the smsd that loads it, by
// the same compiler: `interface` proves that. smsd and smsctl read `api` and `interface` first and refuse an
// object of another one (loaded-queue.h). Included by such an object and by the loader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "supervisor/queue/installation.h"
#include "supervisor/queue/interface-id.h"
#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// The version of the source API: of queue.h, the headers that it includes, and this one. It grows with each
/// change that an implementation has to follow in its source.
inline constexpr std::uint32_t queueApi = 1;

#define SMSD_QUEUE_TEXT_(value) #value
#define SMSD_QUEUE_TEXT(value) SMSD_QUEUE_TEXT_(value)
#if defined(__clang__)
#define SMSD_QUEUE_COMPILER "clang " SMSD_QUEUE_TEXT(__clang_major__)
#else
#define SMSD_QUEUE_COMPILER "g++ " SMSD_QUEUE_TEXT(__GNUC__)
#endif
/// The compiler, the C++ library, and the content of the headers of the interface. Versions of smsd with the
/// same headers have the same one, so an update that changes none of them needs no new build.
inline constexpr const char* queueInterface =
    SMSD_QUEUE_COMPILER ", libstdc++ " SMSD_QUEUE_TEXT(_GLIBCXX_RELEASE) ", headers " SMSD_QUEUE_INTERFACE_ID;

/// `api` and `interface` keep their places in every version.
struct QueueObject {
  std::uint32_t api = 0;
  const char* interface = nullptr;
  /// Returns a queue for the text of `queue.connection` or of `queue.connection_file`, as it is there. Called
  /// once for each connection of smsd or smsctl, on the thread that uses the queue. It should not connect
  /// yet. Throws QueueError: notInstalled if the text is none that it understands.
  std::unique_ptr<Queue> (*open)(const std::string& connection) = nullptr;
  /// `smsctl db install`: creates what the queue needs where it is missing. Null: nothing is to be installed,
  /// or not by smsctl. Throws QueueError.
  InstallReport (*install)(const std::string& connection, const InstallOptions& options) = nullptr;
};

/// The name of the symbol.
inline constexpr const char* queueSymbol = "smsd_queue";

}  // namespace smsd::queue

/// Defines the symbol. Used once, outside of any namespace.
#define SMSD_QUEUE(open, install)                                                                 \
  extern "C" __attribute__((visibility("default"))) const smsd::queue::QueueObject smsd_queue = { \
      smsd::queue::queueApi, smsd::queue::queueInterface, open, install}
