// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl config explain` and `smsctl config schema`.
//
// Own the exit statuses: 1 if there is no such key or kind, 69 (EX_UNAVAILABLE) if a kind's program cannot
// list its keys. Neither needs a configuration, a queue or a running daemon; with a smsd.yaml they also know
// its kinds of one's own.
#pragma once

#include <string>
#include <vector>

#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {

struct ExplainArguments {
  std::string config;  // the path of smsd.yaml
  std::string key;     // empty: all
  std::string kind;    // empty: smsd.yaml and the files of all kinds
};
int explainKeys(const ExplainArguments& arguments, Form form);

/// `kind`: of the dispatchers whose file it is; empty: smsd.yaml.
int printSchema(const std::string& config, const std::string& kind);

/// Returns the names that `config explain` accepts as KEY, and those of the kinds of this host.
std::vector<std::string> namesOfKeys(const std::string& config, const std::string& kind);
std::vector<std::string> namesOfKinds(const std::string& config);

}  // namespace smsd::smsctl
