// SPDX-License-Identifier: GPL-3.0-or-later
// The table of all dispatchers, for `smsctl dispatcher list` and `smsctl status --verbose`. Pure.
#pragma once

#include <proto/control.capnp.h>

#include <string>
#include <string_view>

namespace smsd::smsctl {

/// `version`: of smsd, to tell a worker of another build.
std::string dispatcherTable(capnp::List<proto::DispatcherStatus>::Reader dispatchers,
                            std::string_view version);

/// Returns the last canary of a dispatcher and the time of the next one; empty: it has none.
std::string canaryWords(proto::CanaryStatus::Reader canary);

}  // namespace smsd::smsctl
