// SPDX-License-Identifier: GPL-3.0-or-later
// The JSON of `smsctl status` and `smsctl dispatcher list`. Pure.
//
// Its `format` is raised when a field changes its meaning or goes. New fields are added without that.
#pragma once

#include <proto/control.capnp.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "supervisor/smsctl/status/absence.h"
#include "supervisor/smsctl/status/status-finding.h"

namespace smsd::smsctl {

nlohmann::ordered_json asJson(proto::Status::Reader status, const std::vector<StatusFinding>& troubles);
/// Without a daemon: the same members, null where nothing is known.
nlohmann::ordered_json asJson(const Absence& absence);
/// Null: the dispatcher has no canaries.
nlohmann::ordered_json asJson(proto::CanaryStatus::Reader canary);
nlohmann::ordered_json asJson(capnp::List<proto::DispatcherStatus>::Reader dispatchers);

}  // namespace smsd::smsctl
