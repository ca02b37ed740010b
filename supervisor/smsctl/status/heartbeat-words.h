// SPDX-License-Identifier: GPL-3.0-or-later
// How `smsctl status` and `smsctl heartbeat` show the heartbeats of other programs. Pure.
#pragma once

#include <proto/control.capnp.h>

#include <nlohmann/json.hpp>
#include <string>

namespace smsd::smsctl {

/// Returns one line in brief; empty if none is expected.
std::string heartbeatWords(proto::Status::Reader status);
/// Returns a table with one line for each.
std::string heartbeatTable(proto::Status::Reader status);
nlohmann::ordered_json heartbeatsAsJson(proto::Status::Reader status);

}  // namespace smsd::smsctl
