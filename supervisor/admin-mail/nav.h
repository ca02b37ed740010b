// NAV's keys for mail to its administrator, as ours.
//
// Owns the mapping that smsd.yaml(5) shows. Called by what imports NAV's configuration. Pure: makes texts,
// writes nothing. A value that means nothing to us is a remark, not a guess.
#pragma once

#include <string>
#include <vector>

namespace smsd {

/// As they stand in smsd.conf and nav.conf; empty: not there.
struct NavMail {
  std::string address;   // mailaddr, else ADMIN_MAIL
  std::string level;     // mailwarnlevel
  std::string server;    // mailserver: a host, perhaps with a port
  std::string fromAddr;  // fromaddr, else DEFAULT_FROM_EMAIL
};

struct OurMail {
  std::string section;               // `admin_mail` of smsd.yaml; empty: nothing was mailed
  std::string file;                  // dispatchers/mail.yaml
  std::vector<std::string> remarks;  // for the operator, one line each
};

OurMail adminMailOfNav(const NavMail& nav);

}  // namespace smsd
