#!/usr/bin/env bash
# Run a recipe on Amazon EMR, release emr-spark-8.x (Spark 4), by one spark-submit.
#
#   conf/emr/submit.sh serverless s3://bucket/recipe.yaml [more arguments of `sluice run`]
#   conf/emr/submit.sh ec2 s3://bucket/recipe.yaml [more arguments of `sluice run`]
#
# CODE                folder of the uploaded main.py, sluice_sft.zip and environment.tar.gz, such as s3://bucket/code
# APPLICATION_ID      serverless: the application
# EXECUTION_ROLE_ARN  serverless: the role of the job; it reads CODE, recipe and sources, and writes the lake
# CLUSTER_ID          ec2: the cluster, made with the classification delta-defaults (delta.enabled=true)
# DELTA_JARS          optional: the image's jars of Delta, comma between them; ec2 has them on its path
# LOGS                optional, serverless: folder for the logs, such as s3://bucket/logs
# SPARK_CONF          optional: more settings, a space between them, such as spark.executor.memory=8g
set -euo pipefail

fail() {
  echo "submit.sh: $*" >&2
  exit 2
}

need() { # NAME MEANING: the variable NAME is set
  [ -n "${!1:-}" ] || fail "$1 is not set: expected $2. The top of this file lists all variables."
}

json() { # TEXT: a JSON string
  local text="$1"
  text="${text//\\/\\\\}"
  printf '"%s"' "${text//\"/\\\"}"
}

json_list() { # TEXT...: a JSON list of strings
  local text comma=""
  for text in "$@"; do
    printf '%s%s' "$comma" "$(json "$text")"
    comma=","
  done
}

[ $# -ge 2 ] || fail "expected serverless or ec2, then a recipe, such as: submit.sh serverless s3://bucket/recipe.yaml"
mode="$1" recipe="$2"
shift 2
[[ "$recipe" == s3://* || "$recipe" == s3a://* ]] || fail "recipe $recipe: expected a URI that the cluster can read, s3://..."
CODE="${CODE:-}"
need CODE "the folder of main.py, sluice_sft.zip and environment.tar.gz, such as s3://bucket/code"
[[ "$CODE" == s3://* ]] || fail "CODE=$CODE: expected s3://bucket/folder"
for given in "$recipe" "$CODE" "${DELTA_JARS:-}" "${LOGS:-}" "${SPARK_CONF:-}" "$@"; do
  [[ "$given" != *[[:cntrl:]]* ]] || fail "an argument or variable holds a line break or another control character"
done
python=./environment/bin/python

# Pure Python comes by --py-files; what is compiled (pyarrow, numpy, ...) only by the archive. A copy of Sluice in the
# archive would be shadowed by the zip.
submit=(
  --py-files "${CODE%/}/sluice_sft.zip"
  --conf "spark.archives=${CODE%/}/environment.tar.gz#environment"
  --conf "spark.executorEnv.PYSPARK_PYTHON=$python"
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog
)
for setting in ${SPARK_CONF:-}; do
  [[ "$setting" == spark.*=* ]] || fail "SPARK_CONF: $setting: expected spark.KEY=VALUE"
  submit+=(--conf "$setting")
done

case "$mode" in
serverless)
  need APPLICATION_ID "the id of an application of release emr-spark-8.x"
  need EXECUTION_ROLE_ARN "the role that the job takes"
  lib=/usr/share/aws/delta/lib
  submit+=(
    --conf "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON=$python"
    --conf "spark.emr-serverless.driverEnv.PYSPARK_PYTHON=$python"
    --conf "spark.jars=${DELTA_JARS:-$lib/delta-spark.jar,$lib/delta-storage.jar}"
  )
  [[ "${submit[*]}" != *[\'\"]* ]] || fail "a setting holds a quote, which EMR would take for its own"
  driver="{\"sparkSubmit\":{\"entryPoint\":$(json "${CODE%/}/main.py"),\"entryPointArguments\":["
  driver+="$(json_list run "$recipe" "$@" --log-format json)],\"sparkSubmitParameters\":$(json "${submit[*]}")}}"
  job=(--application-id "$APPLICATION_ID" --execution-role-arn "$EXECUTION_ROLE_ARN" --name sluice --job-driver "$driver")
  if [ -n "${LOGS:-}" ]; then
    logs="{\"monitoringConfiguration\":{\"s3MonitoringConfiguration\":{\"logUri\":$(json "$LOGS")}}}"
    job+=(--configuration-overrides "$logs")
  fi
  exec aws emr-serverless start-job-run "${job[@]}"
  ;;
ec2)
  need CLUSTER_ID "the id of a cluster of release emr-spark-8.x"
  submit+=(--conf "spark.yarn.appMasterEnv.PYSPARK_PYTHON=$python")
  [ -z "${DELTA_JARS:-}" ] || submit+=(--jars "$DELTA_JARS")
  step='[{"Type":"CUSTOM_JAR","Name":"sluice","ActionOnFailure":"CONTINUE","Jar":"command-runner.jar","Args":['
  step+="$(json_list spark-submit --master yarn --deploy-mode cluster "${submit[@]}" "${CODE%/}/main.py")"
  step+=",$(json_list run "$recipe" "$@" --log-format json)]}]"
  exec aws emr add-steps --cluster-id "$CLUSTER_ID" --steps "$step"
  ;;
*)
  fail "$mode: expected serverless or ec2"
  ;;
esac
