#!/bin/bash
# A sweep on a Slurm cluster. Submit the array, then the merge, which waits for it:
#   job=$(sbatch --parsable --array=1-8 examples/sweep-slurm.sh)
#   sbatch --dependency=afterok:$job examples/sweep-slurm.sh merge
# A task that is requeued goes on where it was stopped.
#SBATCH --job-name=kvcast-sweep
#SBATCH --cpus-per-task=16
#SBATCH --time=01:00:00
#SBATCH --requeue
set -e
folder=${SWEEP_FOLDER:-sweep}
shards=${SLURM_ARRAY_TASK_COUNT:-1}
mkdir -p "$folder"
if [ "$1" = merge ]; then
  exec kvcast sweep --merge --out "$folder/all.sqlite" "$folder"/part-*.sqlite --csv "$folder/all.csv"
fi
shard=${SLURM_ARRAY_TASK_ID:-1}
kvcast sweep ${SWEEP_SCENARIO:+"$SWEEP_SCENARIO"} \
  --vary workload.rate_per_s=0.5..8:16:log \
  --vary hardware.gpu=H100-SXM,H200-SXM,L40S \
  --vary engine.instances=1,2,4 \
  --set workload.requests="${SWEEP_REQUESTS:-2000}" \
  --replications "${SWEEP_REPLICATIONS:-5}" --jobs "${SLURM_CPUS_PER_TASK:-1}" \
  --shard "$shard/$shards" --out "$folder/part-$shard.sqlite"
