// SPDX-License-Identifier: GPL-3.0-or-later
// How much of a configuration's text a problem may quote.
#pragma once

namespace smsd::config {

/// How much of a file a problem may quote. Problems go into the log.
enum class Quoting {
  nothing,   // the file may hold secrets
  harmless,  // it holds none, except perhaps a connection's password: quote only the beginning of a word
};

}  // namespace smsd::config
