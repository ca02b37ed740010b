// SPDX-License-Identifier: GPL-3.0-or-later
// Alerts and fates as records of proto/intake.capnp. Pure.
#pragma once

#include <proto/intake.capnp.h>

#include <string>

#include "clients/shapes/submission.h"

namespace smsd::submission {

/// The bytes that the alert takes in a call, a bit more than it really does.
std::size_t bytesOf(const shapes::IncomingAlert& alert, const std::string& label);

void write(const shapes::IncomingAlert& alert, const std::string& label, proto::Alert::Builder to);

shapes::WebFate fateOf(proto::Fate::Reader fate);

}  // namespace smsd::submission
