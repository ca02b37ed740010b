// SPDX-License-Identifier: GPL-3.0-or-later
// Decides whether a request was meant for this server, by the name of the host in it.
//
// The owner of a web page can let its host name point to this host, and then a browser on this host would let
// the page read the answers (DNS rebinding). The header Host of such a request is the name of that page. An
// attacker cannot do this with an address, `localhost` or the name of this host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::exporter {

/// The name of this host, and its part before the first dot.
std::vector<std::string> namesOfThisHost();

/// `host`: the header Host, which may have a port. Returns whether it is an IP address, `localhost`, or one
/// of `names`, in any case of letters. A request of HTTP/1.0 may have none: an empty `host` is allowed, since
/// every browser sends one.
bool isMeantForUs(std::string_view host, const std::vector<std::string>& names);

}  // namespace smsd::exporter
