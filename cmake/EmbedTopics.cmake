# Writes the C++ file that holds the help topics: cmake -DOUTPUT=F.cc "-DFILES=a.md;b.md" -P this.
# The first file of a name wins.
cmake_minimum_required(VERSION 3.25)
set(rows "")
set(names "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  if(name IN_LIST names OR name STREQUAL "README")
    continue()
  endif()
  list(APPEND names ${name})
endforeach()
list(SORT names)
foreach(name IN LISTS names)
  foreach(file IN LISTS FILES)
    get_filename_component(stem ${file} NAME_WE)
    if(stem STREQUAL name)
      set(path ${file})
      break()
    endif()
  endforeach()
  file(READ ${path} text)
  string(REGEX MATCH "^# ([^\n]*)" heading "${text}")
  set(title "${CMAKE_MATCH_1}")
  string(APPEND rows "      {\"${name}\", R\"RONDATEXT(${title})RONDATEXT\", R\"RONDATEXT(${text})RONDATEXT\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"cli/topics.h\"

namespace ronda::cli {

const std::vector<Topic>& Topics() {
  static const std::vector<Topic> kTopics = {
${rows}  };
  return kTopics;
}

}  // namespace ronda::cli
")
