// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of `smsctl doctor`: each judges facts and returns findings. Pure. Called by report.cpp, in the
// order of the groups.
#pragma once

#include "supervisor/smsctl/doctor/facts.h"
#include "supervisor/smsctl/doctor/finding.h"

namespace smsd::smsctl::doctor {

GroupResult checkInstallation(const Facts& facts);
GroupResult checkFiles(const Facts& facts);
GroupResult checkDaemon(const Facts& facts);
GroupResult checkUnits(const Facts& facts);
GroupResult checkCredentials(const Facts& facts);
GroupResult checkQueue(const Facts& facts);
GroupResult checkOthers(const Facts& facts);
GroupResult checkSockets(const Facts& facts);
GroupResult checkDevices(const Facts& facts);
GroupResult checkCertificates(const Facts& facts);
GroupResult checkClock(const Facts& facts);
GroupResult checkDisk(const Facts& facts);
GroupResult checkLocks(const Facts& facts);
GroupResult checkCore(const Facts& facts);

}  // namespace smsd::smsctl::doctor
