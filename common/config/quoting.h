// How much of a configuration's text may stand in a problem.
#pragma once

namespace smsd::config {

/// What of a file may be quoted in a problem, which goes into the log.
enum class Quoting {
  nothing,   // the file may hold secrets
  harmless,  // it holds none, but perhaps a connection's password: no more of a word than its beginning
};

}  // namespace smsd::config
