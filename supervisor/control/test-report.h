// SPDX-License-Identifier: GPL-3.0-or-later
// The report of a test SMS: on the wire of proto/control.capnp, and as text for an operator.
//
// Used by the control server, `smsd --test` and `smsctl test`, so that all three print the same. Pure.
#pragma once

#include <proto/control.capnp.h>

#include <string>

#include "supervisor/road/test-sms.h"

namespace smsd::control {

void write(proto::Control::TestResults::Builder results, const road::TestSmsReport& report);
road::TestSmsReport read(proto::Control::TestResults::Reader results);
/// The same for the results of canaries.
void write(capnp::List<proto::Try>::Builder tries, const road::TestSmsReport& report);
road::TestSmsReport read(capnp::Text::Reader problem, capnp::List<proto::Try>::Reader tries);

/// "accepted", or "not tried"
std::string resultName(const road::TestSmsTry& one);
/// Returns one line a try.
std::string describeTries(const road::TestSmsReport& report);
/// Returns one line a try, then the dispatcher that took the SMS, which NAV's smsd did not print.
std::string describe(const road::TestSmsReport& report);
/// The result in the journal's entry: "taken by modem", "taken by none", "not sent: ...".
std::string inBrief(const road::TestSmsReport& report);

}  // namespace smsd::control
