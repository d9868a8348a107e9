@echo off
rem Starts the app. The first start makes a Python environment in .venv, which takes some minutes; later ones take seconds.
rem Options go to Streamlit, such as --server.port=8502. EXPRESSION_LAB_REQUIREMENTS chooses another file of requirements.
setlocal
cd /d "%~dp0"
if not defined EXPRESSION_LAB_REQUIREMENTS set EXPRESSION_LAB_REQUIREMENTS=requirements.txt
set PYTHONUTF8=1

if exist .venv\Scripts\python.exe (
  .venv\Scripts\python.exe -c "import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))" >nul 2>&1 && goto install
  rmdir /s /q .venv
)

set FOUND=
for %%p in ("py -3.12" "py -3.13" "py -3.11" "python" "python3") do (
  if not defined FOUND (
    %%~p -c "import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))" >nul 2>&1 && set FOUND=%%~p
  )
)
if not defined FOUND (
  echo Python 3.11, 3.12 or 3.13 is needed. Get it from https://www.python.org/downloads/ and tick "Add python.exe to PATH",
  echo then start this file again. docs\installation.md says more.
  pause
  exit /b 1
)
echo Making a Python environment in %cd%\.venv ...
%FOUND% -m venv .venv
if errorlevel 1 (
  echo The environment could not be made. Move this folder to a place that you may write to, such as your documents.
  pause
  exit /b 1
)

:install
rem What was installed is kept beside it, so that a start installs again only where the requirements have changed.
copy /b requirements.txt+requirements-analysis.txt .venv\wanted.txt >nul
echo %EXPRESSION_LAB_REQUIREMENTS%>>.venv\wanted.txt
if exist .venv\installed.txt (
  fc /b .venv\wanted.txt .venv\installed.txt >nul 2>&1 && goto start
)
echo Installing what the app needs, about a gigabyte; this takes some minutes ...
.venv\Scripts\python.exe -m pip install --quiet --disable-pip-version-check -r "%EXPRESSION_LAB_REQUIREMENTS%"
if errorlevel 1 (
  echo The installation broke off. Look whether this computer is connected to the internet, and start again.
  pause
  exit /b 1
)
copy /y .venv\wanted.txt .venv\installed.txt >nul

:start
echo Starting. Your browser opens in a moment; close this window to end the app.
.venv\Scripts\python.exe -m streamlit run app.py --server.address=localhost %*
if errorlevel 1 pause
