// SPDX-License-Identifier: GPL-3.0-or-later
// Words that the checks of `smsctl doctor` share: commands to type, counts, paths. Pure.
#pragma once

#include <string>

#include "supervisor/smsctl/doctor/facts.h"

namespace smsd::smsctl::doctor {

/// "1 dispatcher", "2 dispatchers".
std::string counted(std::size_t count, const std::string& one, const std::string& several = {});
/// A path as a shell takes it.
std::string quoted(const std::string& path);
std::string shown(const ServiceUser& user);
/// "root:smsd".
std::string ownerFor(FileFacts::Role role, const ServiceUser& user);
/// "smsctl db check", with --config where another than the usual file is examined.
std::string ctl(const Facts& facts, const std::string& command);
/// The same for root.
std::string asRoot(const Facts& facts, const std::string& command);
/// The same with the rights of smsd, which root must not use for a queue: a file of root's keeps smsd out.
std::string asSmsd(const Facts& facts, const std::string& command);
/// Whether it is a folder with sockets of smsd or of its workers.
bool isOfSockets(FileFacts::Role role);
/// The name of the unit of a worker, without its ending.
std::string unitOf(const DispatcherFacts& dispatcher);

}  // namespace smsd::smsctl::doctor
