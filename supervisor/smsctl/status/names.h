// SPDX-License-Identifier: GPL-3.0-or-later
// The words for the states of proto/status.capnp, as all programs show them.
#pragma once

#include "common/status-words/names.h"

namespace smsd::smsctl {

using status_words::notificationsName;
using status_words::stateName;

}  // namespace smsd::smsctl
