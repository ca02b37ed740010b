// The last words of a worker that systemd started and that cannot serve: to the supervisor whose connection
// made systemd start it, so that the reason does not stay in this unit's journal alone.
//
// Called by worker-main and serve before the process ends. Takes one connection, answers lastWords() and
// nothing else, and returns soon. Does nothing where nobody has connected.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace smsd::kit {

/// `listener`: the socket systemd listens on; `welcome`: whom to tell. The words carry no secret.
void sayCannotStart(int listener, const std::vector<uid_t>& welcome, const std::string& words);

}  // namespace smsd::kit
