# An image of the app for a server. docs/hosting.md says how to use it; tests/deployment/test_image.py follows these steps.
#   docker build -t expression-lab .                                                           with training
#   docker build -t expression-lab --build-arg REQUIREMENTS=requirements-analysis.txt .        for analysing only
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

# Hugging Face runs images as user 1000.
RUN useradd --create-home --uid 1000 app && install -d -o app -g app /home/app/expression-lab
WORKDIR /app
COPY packages.txt ./
RUN apt-get update && xargs -a packages.txt apt-get install -y --no-install-recommends && rm -rf /var/lib/apt/lists/*

ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-analysis.txt ./
RUN pip install --no-cache-dir -r ${REQUIREMENTS}

# The files stay root's: the app cannot change itself.
COPY . .
RUN python -m compileall -q app.py fer_core pages ui

# Visitors are strangers unless FER_HOSTED=0. Own datasets, runs and models then lie in FER_HOME: mount a volume there.
# MALLOC_ARENA_MAX: each thread would keep memory of its own otherwise.
ENV PORT=8501 \
    FER_HOSTED=1 \
    FER_HOME=/home/app/expression-lab \
    MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1
USER 1000
EXPOSE ${PORT}
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD python -c "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/_stcore/health', timeout=8)"
CMD ["sh", "-c", "exec python -m ui.app.serve --server.headless=true --server.address=0.0.0.0 --server.port=${PORT}"]
