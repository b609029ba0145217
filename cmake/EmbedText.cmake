# Writes a C++ file with text files as string constants:
#   cmake -DOUTPUT=F.cc -DNAMESPACE=a::b -DHEADER=x/y.h "-DNAMES=kOne;kTwo" "-DFILES=1.css;2.js" -P this
cmake_minimum_required(VERSION 3.25)
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n")
foreach(name file IN ZIP_LISTS NAMES FILES)
  file(READ ${file} content)
  string(APPEND text "const std::string_view ${name} = R\"RONDATEXT(${content})RONDATEXT\";\n\n")
endforeach()
file(WRITE ${OUTPUT} "${text}}  // namespace ${NAMESPACE}\n")
