// SPDX-License-Identifier: GPL-3.0-or-later
// The metrics as a file for node_exporter's textfile collector.
#pragma once

#include <filesystem>
#include <string>

namespace smsd::exporter {

/// Replaces `file` by `text`, as a whole: a reader sees the former text or this one. The temporary file lies
/// beside it, with another ending, so that the collector does not read it. Throws std::system_error.
void replaceFile(const std::filesystem::path& file, const std::string& text);

}  // namespace smsd::exporter
