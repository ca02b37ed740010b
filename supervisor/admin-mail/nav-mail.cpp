// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/admin-mail/nav-mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/config/yaml-tree.h"

namespace smsd::admin_mail {
namespace {

/// Converts a level of Python's logging to the nearest of ours, with a remark if they differ.
std::string levelOf(std::string level, std::vector<std::string>& remarks) {
  std::transform(level.begin(), level.end(), level.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (level.empty() || level == "ERROR") return "error";
  if (level == "WARNING" || level == "WARN") return "warning";
  if (level == "CRITICAL" || level == "FATAL") {
    remarks.push_back("mailwarnlevel: smsd has no level above error, so errors are mailed");
    return "error";
  }
  if (level == "INFO" || level == "DEBUG" || level == "NOTSET") {
    remarks.push_back(
        "mailwarnlevel: smsd never mails its entries of level info, so notice is the lowest level");
    return "notice";
  }
  remarks.push_back(
      "mailwarnlevel: not a level of Python's logging, so errors are mailed (NAV's smsd would not start)");
  return "error";
}

}  // namespace

OurMail adminMailOfNav(const NavMail& nav) {
  OurMail ours;
  if (nav.address.empty()) {
    ours.remarks.push_back("mailaddr and ADMIN_MAIL: not found, so no errors are mailed");
    return ours;
  }
  ours.section = fmt::format("admin_mail:\n  to: {}\n  level: {}\n  dispatcher: mail\n",
                             config::quotedScalar(nav.address), levelOf(nav.level, ours.remarks));
  std::string host = nav.server.empty() ? "localhost" : nav.server;
  std::string from = nav.fromAddr;
  if (from.empty()) {
    from = nav.address;
    ours.remarks.push_back(
        "fromaddr and DEFAULT_FROM_EMAIL: not found, so mail comes from its recipient's address");
  }
  bool port = host.find(':') != std::string::npos;
  ours.file = fmt::format("server: {}\n", config::quotedScalar("smtp://" + host + (port ? "" : ":25")));
  if (host.substr(0, host.find(':')) != "localhost" && !host.starts_with("127.")) {
    ours.file += "tls: never\n";
    ours.remarks.push_back(
        "mailserver: NAV used no TLS with it, and neither does smsd until you remove `tls: never`");
  }
  ours.file +=
      fmt::format("from: {}\nto: \"{{recipient}}\"\nsubject: \"smsd\"\n", config::quotedScalar(from));
  return ours;
}

}  // namespace smsd::admin_mail
