// SPDX-License-Identifier: GPL-3.0-or-later
// Converts NAV's keys for mail to its administrator into ours.
//
// Owns the mapping that smsd.yaml(5) shows. Called by the import of NAV's configuration. Pure: returns texts,
// writes nothing. A value without a meaning for smsd becomes a remark, not a guess.
#pragma once

#include <string>
#include <vector>

namespace smsd::admin_mail {

/// Values as in smsd.conf and nav.conf; empty: the key is missing.
struct NavMail {
  std::string address;   // mailaddr, else ADMIN_MAIL
  std::string level;     // mailwarnlevel
  std::string server;    // mailserver: a host, perhaps with a port
  std::string fromAddr;  // fromaddr, else DEFAULT_FROM_EMAIL
};

struct OurMail {
  std::string section;               // `admin_mail` of smsd.yaml; empty: NAV mailed nothing
  std::string file;                  // dispatchers/mail.yaml
  std::vector<std::string> remarks;  // for the operator, one line each
};

OurMail adminMailOfNav(const NavMail& nav);

}  // namespace smsd::admin_mail
