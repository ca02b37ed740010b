// SPDX-License-Identifier: GPL-3.0-or-later
// States of smsd for tests of the page: by name, and one in which each text is the same.
#pragma once

#include <proto/status.capnp.h>

#include <string>
#include <vector>

namespace smsd::exporter {

/// The names that prepare() knows.
std::vector<std::string> preparedStates();
/// Fills `status` with the state of this name. Returns false if there is none.
bool prepare(const std::string& name, proto::Status::Builder status);
/// Fills `status` so that each text in it is `text`, with two of each list and all numbers set.
void fillWith(const std::string& text, proto::Status::Builder status);

}  // namespace smsd::exporter
