// SPDX-License-Identifier: GPL-3.0-or-later
// The words for the mail to the administrators. Pure.
#pragma once

#include <proto/status.capnp.h>

#include <string>

namespace smsd::status_words {

/// "ready by relay, last 15h ago, 4 entries wait"; empty if there is no such mail.
std::string mailWords(proto::Status::Reader status);

}  // namespace smsd::status_words
