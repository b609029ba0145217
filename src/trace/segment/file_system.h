#pragma once

#include "disk/file_system.h"

// The room's names for the disk it stands on.
namespace ronda::trace::segment {

using disk::FileSystem;
using disk::kUnfinished;
using disk::OpenFolder;
using disk::ReadableFile;
using disk::ReadWhole;
using disk::WritableFile;
using disk::WriteWhole;

}  // namespace ronda::trace::segment
