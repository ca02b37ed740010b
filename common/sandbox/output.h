// Where a worker's words go: never a file that it could empty or write over.
//
// Owns descriptors 0 to 2 of a process that is about to lock itself in. A file as stderr or stdout is
// replaced by a pipe, and a small process of its own, locked in harder than a worker, appends to the file
// what comes out of it: in whoever writes to a file by a descriptor lies the right to overwrite it, whatever
// O_APPEND says. That process ends with the last holder of the pipe.
#pragma once

namespace smsd::sandbox {

/// Before lockIn() and before any thread. Throws LockFailed.
void separateOutput();

}  // namespace smsd::sandbox
