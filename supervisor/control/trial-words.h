// The report of a test SMS: on the wire of proto/control.capnp, and in an operator's words.
//
// Used by the control server, `smsd --test` and `smsctl test`, so that all three say the same. Pure.
#pragma once

#include <proto/control.capnp.h>

#include <string>

#include "supervisor/road/trial.h"

namespace smsd::control {

void write(proto::Control::TestResults::Builder results, const TrialReport& report);
TrialReport read(proto::Control::TestResults::Reader results);

/// "accepted", or "not tried"
std::string resultName(const TrialTry& one);
/// One line a try, then which dispatcher took it (wart C48).
std::string describe(const TrialReport& report);

}  // namespace smsd::control
