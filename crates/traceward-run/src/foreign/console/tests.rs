//! What programs print, a few lines of each manner.

use proptest::prelude::*;

use super::*;

fn runs(text: &str) -> Vec<LoggedRun> {
    let mut notes = Vec::new();
    read(text, "", &mut notes).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn run(text: &str) -> LoggedRun {
    let mut runs = runs(text);
    assert_eq!(runs.len(), 1, "{:?}", runs.iter().map(|run| run.history.to_csv()).collect::<Vec<_>>());
    runs.remove(0)
}

#[track_caller]
fn reads(text: &str, csv: &str) {
    assert_eq!(run(text).history.to_csv(), csv, "{text}");
}

#[test]
fn bars_drawn_over_themselves() {
    let text = "\
Epoch 1/2\n\
\r1/5 [=====>....] - ETA: 2s - loss: 0.9 - accuracy: 0.1\x08\x08\x08\r5/5 [==========] - 1s 67ms/step - loss: 0.7 - accuracy: 0.5\x08\x08\r5/5 [==========] - 1s 70ms/step - loss: 0.7 - accuracy: 0.5 - val_loss: 0.6 - val_accuracy: 0.25\n\
Epoch 2/2\n\
\r1/5 [=====>....] - ETA: 2s - loss: 0.8 - accuracy: 0.2\r5/5 [==========] - 0s 60ms/step - loss: 6.5e-01 - accuracy: 0.5 - val_loss: nan - val_accuracy: 0.75\n\
\r1/5 [=====>....] - ETA: 0s - loss: 9.0 - accuracy: 0.9\r5/5 [==========] - 0s 375us/step - loss: 9.5 - accuracy: 0.9\n";
    let csv = "epoch,loss,accuracy,val_loss,val_accuracy,seconds\n1,0.7,0.5,0.6,0.25,0.35000000000000003\n2,0.65,0.5,nan,0.75,0.3\n";
    reads(text, csv);
    // The same, every drawing a line.
    reads(&text.replace(['\r', '\x08'], "\n"), csv);
    // The same, pasted with what the escapes of the terminal left behind, prefixes before.
    let coloured = text.replace("5/5", "\x1b[1m5/5\x1b[0m");
    reads(&coloured, csv);
}

#[test]
fn keras_3_draws_with_other_signs() {
    reads(
        "Epoch 1/3\n\r\x1b[1m1/5\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m━━━━\x1b[0m \x1b[1m2s\x1b[0m 747ms/step - accuracy: 0.5938 - loss: 0.7145\x08\x08\r\x1b[1m5/5\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m 67ms/step - accuracy: 0.5625 - loss: 0.6936 - val_accuracy: 0.6250 - val_loss: 0.6371 - learning_rate: 0.0010\nEpoch 2/3\n5/5 - 0s - 51ms/step - accuracy: 0.75 - loss: 0.5 - val_accuracy: 0.5 - val_loss: 0.25 - learning_rate: 1e-04\n",
        "epoch,accuracy,loss,val_accuracy,val_loss,learning_rate,seconds\n1,0.5625,0.6936,0.625,0.6371,0.001,0.335\n2,0.75,0.5,0.5,0.25,0.0001,0.255\n",
    );
}

#[test]
fn messages_of_callbacks_are_no_measurements() {
    let run = run("\
Train on 60 samples, validate on 20 samples
Epoch 1/50
60/60 [==============================] - 2s 33ms/sample - loss: 1.5 - acc: 0.5 - val_loss: 1.25 - val_acc: 0.5

Epoch 00001: val_loss improved from inf to 1.25000, saving model to weights.01-1.25.hdf5
Epoch 2/50
60/60 [==============================] - 2s 33ms/sample - loss: 1.0 - acc: 0.5 - val_loss: 1.5 - val_acc: 0.5

Epoch 00002: val_loss did not improve from 1.25000

Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.0001.
Epoch 00002: early stopping
Test loss: 3.5
Test accuracy: 0.25
");
    assert_eq!(run.history.column("val_loss").unwrap(), [Some(1.25), Some(1.5)]);
    assert_eq!(run.history.len(), 2);
    assert!(run.stopped_early);
    assert_eq!(run.planned_epochs, Some(50));
    assert_eq!(run.results["test_loss"], 3.5);
    assert_eq!(run.columns.val_loss.as_deref(), Some("val_loss"));
}

#[test]
fn a_count_that_begins_anew_is_another_run() {
    let text = "Epoch 1/2\n - 6s - loss: 3 - acc: 0.25\nEpoch 2/2\n - 6s - loss: 2 - acc: 0.5\nEpoch 1/2\n - 6s - loss: 4 - acc: 0.5\n";
    let runs = runs(text);
    assert_eq!(
        runs.iter().map(|run| (run.name.as_str(), run.history.len())).collect::<Vec<_>>(),
        [("run 1", 2), ("run 2", 1)]
    );
}

#[test]
fn fit_called_in_a_loop_is_one_run() {
    let text = "Epoch 1/1\n - 6s - loss: 3\nEpoch 1/1\n - 6s - loss: 2\nEpoch 1/1\n - 6s - loss: 1\n";
    reads(text, "epoch,loss,seconds\n1,3.0,6.0\n2,2.0,6.0\n3,1.0,6.0\n");
}

#[test]
fn an_epoch_cut_off_is_left_out() {
    let mut notes = Vec::new();
    let text = "Epoch 1/3\n5/5 [====] - 1s 1ms/step - loss: 1.0\nEpoch 2/3\n2/5 [==>..] - ETA: 1s - loss: 0.5\nKeyboardInterrupt\n";
    let runs = read(text, "", &mut notes).unwrap();
    assert_eq!(runs[0].history.len(), 1);
    assert_eq!(runs[0].interrupted.as_deref(), Some("KeyboardInterrupt"));
    assert!(notes[0].contains("Epoch 2 was cut off at step 2 of 5"), "{notes:?}");
}

#[test]
fn one_line_an_epoch_in_many_manners() {
    let manners = [
        "Epoch 3: train loss 0.5 val loss 0.75",
        "Epoch 3/10: train loss: 0.5, val loss: 0.75",
        "[epoch 3] train_loss=0.5 val_loss=0.75",
        "[Epoch 3/10] Train Loss: 0.5000 | Val Loss: 0.7500",
        "Epoch: 3 \tTraining Loss: 0.500000 \tValidation Loss: 0.750000",
        "Epoch [3/10], Train Loss: 0.5, Valid Loss: 0.75",
        "epoch = 3, train loss = tensor(0.5, device='cuda:0'), val loss = tensor(0.75, grad_fn=<NllLossBackward0>)",
        "2026-11-23 08:28:25,123 - INFO - Epoch 3 - train_loss: 0.5 - val_loss: 0.75",
        "[2026-11-23 08:28:25][INFO] Epoch 3/10 train/loss: 0.5 val/loss: 0.75",
        "I1123 08:28:25.123456 12345 train.py:99] Epoch 3 train loss 0.5 val loss 0.75",
        "2026-11-23T08:28:25.123Z INFO root:train.py:17 epoch 3 trainloss 0.5 valloss 0.75",
        "  17: Epoch 3 train loss 0.5, val loss 0.75",
        "trainer_1  | Epoch 3, train loss 0.5, validation loss 0.75",
        "> Epoch 3 | train loss 0.5 | test loss 0.75",
        "Epoch 3 of 10 took 12.5s\n  training loss: 0.5\n  validation loss: 0.75",
        "Epoch 3/10\n----------\ntrain Loss: 0.5\nval Loss: 0.75",
        "epoch: 3\ntrain_loss: 0.5\nval_loss: 0.75\n",
        "INFO:root:Epoch 3: Train Loss=0.5, Val Loss=0.75",
        "Epoch 3 - avg_train_loss: 0.5  avg_val_loss: 0.75  time: 17s",
        "[3/10] train_loss: 0.5 val_loss: 0.75",
        "[3]\ttrain-logloss:0.50000\teval-logloss:0.75000",
        "| epoch   3 | train loss 0.5 | valid loss 0.75 |",
        "Epoch 3:  loss: 0.5 (train), val loss: 0.75 (val)",
        "EPOCH 3 LOSS train 0.5 valid 0.75",
    ];
    for manner in manners {
        let before = manner.replace(" 3", " 2").replace("[3", "[2").replace("= 3", "= 2");
        let run = run(&format!("using device cuda:0\n{before}\n{manner}\nsome words\n"));
        let columns = &run.columns;
        let column = |name: &Option<String>| {
            let name = name.as_deref().unwrap_or_else(|| panic!("{manner}: {}", run.history.to_csv()));
            run.history.column(name).unwrap().to_vec()
        };
        assert_eq!(run.history.counters(), [2, 3], "{manner}");
        assert_eq!(column(&columns.loss), [Some(0.5); 2], "{manner}");
        assert_eq!(column(&columns.val_loss), [Some(0.75); 2], "{manner}");
    }
}

#[test]
fn accuracies_belong_to_the_losses_beside_them() {
    let text = "Epoch 0/1\n----\ntrain Loss: 0.5 Acc: 0.75\nval Loss: 0.25 Acc: 0.5\n\nEpoch 1/1\n----\ntrain Loss: 0.5 Acc: 0.875\nval Loss: 0.25 Acc: 0.625\n\nTraining complete in 1m 3s\nBest val Acc: 0.625\n";
    reads(text, "epoch,train_loss,train_acc,val_loss,val_acc\n0,0.5,0.75,0.25,0.5\n1,0.5,0.875,0.25,0.625\n");
}

#[test]
fn batches_are_steps_and_their_mean_the_epoch() {
    let text = "\
Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.5
Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.5

Test set: Average loss: 0.25, Accuracy: 9000/10000 (90%)

Train Epoch: 2 [0/60000 (0%)]\tLoss: 1.5
Train Epoch: 2 [640/60000 (1%)]\tLoss: 0.5

Test set: Average loss: 0.125, Accuracy: 9500/10000 (95%)
";
    let run = run(text);
    assert_eq!(
        run.history.to_csv(),
        "epoch,train_loss,test_average_loss,test_accuracy\n1,2.0,0.25,90.0\n2,1.0,0.125,95.0\n"
    );
    let steps = run.steps.unwrap();
    assert_eq!(steps.history.to_csv(), "step,train_loss\n0,2.5\n640,1.5\n60000,1.5\n60640,0.5\n");
    assert_eq!(run.columns.accuracy_unit.whole(), 100.0);
}

#[test]
fn other_batches() {
    let step = |text: &str| run(text).steps.map(|steps| steps.history.to_csv());
    let two = "[1,  2000] loss: 2.5\n[1,  4000] loss: 1.5\n[2,  2000] loss: 1.0\nFinished Training\n";
    assert_eq!(step(two).as_deref(), Some("step,loss\n2000,2.5\n4000,1.5\n4001,1.0\n"));
    let imagenet = "Epoch: [0][ 10/391]\tTime  0.1 ( 0.2)\tLoss 6.5e+00 (7.0e+00)\tAcc@1   0.25 (  0.50)\nEpoch: [1][ 10/391]\tTime  0.1 ( 0.2)\tLoss 6.5e+00 (6.0e+00)\tAcc@1   0.25 (  0.75)\n";
    assert_eq!(run(imagenet).columns.accuracy.as_deref(), Some("acc@1"));
    assert_eq!(step(imagenet).as_deref(), Some("step,loss,acc@1\n10,7.0,0.5\n401,6.0,0.75\n"));
    let of = "Epoch [1/5], Step [100/600], Loss: 2.0\nEpoch [1/5], Step [600/600], Loss: 1.0\nEpoch [2/5], Step [100/600], Loss: 0.5\n";
    assert_eq!(run(of).history.to_csv(), "epoch,loss\n1,1.5\n2,0.5\n");
    let quickstart = "Epoch 1\n-----\nloss: 2.5  [   64/60000]\nloss: 1.5  [ 6464/60000]\nTest Error: \n Accuracy: 44.5%, Avg loss: 2.25 \n\nEpoch 2\n-----\nloss: 1.0  [   64/60000]\nTest Error: \n Accuracy: 54.5%, Avg loss: 2.0 \n";
    assert_eq!(
        run(quickstart).history.to_csv(),
        "epoch,loss,test_accuracy,test_avg_loss\n1,2.0,44.5,2.25\n2,1.0,54.5,2.0\n"
    );
}

#[test]
fn manners_of_projects() {
    let two_numbers =
        "333 154 Loss=nan Time=0.040\n333 155 Loss=0.5 Time=0.041\n334 1 Loss=0.25 Time=0.042\n";
    let read = run(two_numbers);
    assert_eq!((read.history.counters(), read.history.last("loss")), ([333, 334].as_slice(), Some(0.25)));
    let logger = ">>> Epoch: [127/300]\n2026-08-17 21:48:47,912: logger.py - info(), at Line 49:INFO:\nTrain - Epoch: [127/300][ 35/464]\tTime  0.738 ( 0.738)\tData  0.000 ( 0.014)\tLoss 2.0e+00 (1.5e+00)\nTrain - Epoch: [127/300][ 85/464]\tTime  0.730 ( 0.730)\tData  0.000 ( 0.006)\tLoss 1.0e+00 (0.5e+00)\n";
    let read = run(logger);
    assert_eq!(
        (read.history.to_csv().as_str(), read.planned_epochs),
        ("epoch,train_loss\n127,1.0\n", Some(300))
    );
    let bars = "Train Epoch: 16 Loss: 0.5: 100% 2785/2785 [00:53<00:00, 52.28it/s]\nValid Epoch: 16 Loss: nan: 100% 660/660 [00:04<00:00, 143.71it/s]\n\nDataset: tag, Epoch: 16\nTrain_loss: 46.0, Val_los: nan\nMin_val_epoch: -1, Min_val_loss: 10000000000.0\nTrain Epoch: 17 Loss: 0.25: 100% 2785/2785 [00:53<00:00, 52.28it/s]\nValid Epoch: 17 Loss: nan: 100% 660/660 [00:04<00:00, 143.71it/s]\n";
    let read = run(bars);
    assert_eq!(read.history.column("train_loss").unwrap(), [Some(0.5), Some(0.25)]);
    assert!(read.history.column("val_loss").unwrap().iter().all(|value| value.unwrap().is_nan()));
    let tensorflow = "Epoch: 0111 train_loss= 0.5 train_acc= 0.25 val_loss= nan val_acc= 0.5 time= 8.5\nTensor(\"add_1:0\", shape=(), dtype=float32)\nEpoch: 0112 train_loss= 0.25 train_acc= 0.25 val_loss= nan val_acc= 0.5 time= 8.5\n";
    reads(
        tensorflow,
        "epoch,train_loss,train_acc,val_loss,val_acc,time\n111,0.5,0.25,nan,0.5,8.5\n112,0.25,0.25,nan,0.5,8.5\n",
    );
    let chinese = "训练次数：100, Loss：1.5\n训练次数：200, Loss：0.5\n";
    let read = run(chinese);
    assert_eq!(
        (read.history.counters(), read.history.last("train_loss")),
        ([100, 200].as_slice(), Some(0.5))
    );
    let fairseq = "2026-01-02 03:04:05 | INFO | train | epoch 001 | loss 8.5 | nll_loss 7.5 | ppl 181.5 | wps 100 | lr 0.001 | gnorm 1.5 | clip 0\n2026-01-02 03:04:05 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 9.5 | nll_loss 8.5 | ppl 300\n2026-01-02 03:04:06 | INFO | train | epoch 002 | loss 7.5 | nll_loss 6.5 | ppl 90.5 | wps 100 | lr 0.002 | gnorm 1.25 | clip 0\n2026-01-02 03:04:06 | INFO | valid | epoch 002 | valid on 'valid' subset | loss 8.5 | nll_loss 8.25 | ppl 300\n";
    let read = run(fairseq);
    assert_eq!(read.history.column(read.columns.loss.as_deref().unwrap()).unwrap(), [Some(8.5), Some(7.5)]);
    assert_eq!(
        read.history.column(read.columns.val_loss.as_deref().unwrap()).unwrap(),
        [Some(9.5), Some(8.5)]
    );
    let end_of_epoch = "[2026-03-10 19:58:30,172]     batch count: 220/308, iter: 220, aux: 0.016630, loss: 0.75\n[2026-03-10 19:58:38,418] Epoch: 4/5 --- time: 1195.9, lr: 0.0008, avg_loss: 0.5\n[2026-03-10 19:58:38,940] Validation at epoch 4\n[2026-03-10 19:58:47,407]     batch count: 0/309, iter: 0, loss: 0.25\n[2026-03-10 19:58:38,418] Epoch: 5/5 --- time: 1195.9, lr: 0.0008, avg_loss: 0.25\n";
    let read = run(end_of_epoch);
    assert_eq!(read.history.column("avg_loss").unwrap(), [Some(0.5), Some(0.25)]);
    assert_eq!(read.history.column("val_loss").unwrap()[0], Some(0.25));
    let caffe_like = "Iteration 100, loss = 2.5\nIteration 200, loss = 1.5\n";
    let read = run(caffe_like);
    assert_eq!((read.by_step, read.history.counters()), (true, [100, 200].as_slice()));
    let light_gbm = "[10]\ttraining's binary_logloss: 0.5\tvalid_1's binary_logloss: 0.75\n[20]\ttraining's binary_logloss: 0.25\tvalid_1's binary_logloss: 0.5\n";
    let read = run(light_gbm);
    assert_eq!(read.history.counters(), [10, 20]);
    assert!(read.columns.val_loss.is_some(), "{}", read.history.to_csv());
    let paddle = "epoch: [1/500], iter: 10, lr: 0.000100, loss: 2.5, acc: 0.25, reader_cost: 0.1 s\nepoch: [1/500], iter: 20, lr: 0.000100, loss: 1.5, acc: 0.25, reader_cost: 0.1 s\nepoch: [2/500], iter: 30, lr: 0.000100, loss: 0.5, acc: 0.75, reader_cost: 0.1 s\n";
    assert_eq!(run(paddle).history.column("loss").unwrap(), [Some(2.0), Some(0.5)]);
    let yolo = "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size\n        1/3      2.34G        1.5        2.5        0.5         22        640: 100%|██████████| 10/10 [00:01<00:00]\n        2/3      2.34G        1.0        1.5        0.25         22        640: 100%|██████████| 10/10 [00:01<00:00]\n";
    assert_eq!(run(yolo).history.column("box_loss").unwrap(), [Some(1.5), Some(1.0)]);
    let sklearn = "Iteration 1, loss = 0.75\nValidation score: 0.500000\nIteration 2, loss = 0.50\nValidation score: 0.625000\nValidation score did not improve more than tol=0.000100 for 10 consecutive epochs. Stopping.\n";
    assert_eq!(run(sklearn).history.column("loss").unwrap(), [Some(0.75), Some(0.5)]);
}

#[test]
fn steps_without_epochs() {
    let run = run(
        "step 0: train loss 4.25, val loss 4.5\niter 0: loss 4.0, time 40.5ms, mfu 1.2%\nstep 250: train loss 2.25, val loss 2.5\n",
    );
    assert!(run.by_step);
    assert_eq!(run.history.counters(), [0, 250]);
    assert_eq!(run.columns.val_loss.as_deref(), Some("val_loss"));
}

#[test]
fn bars_of_tqdm() {
    let text = "Epoch 0:  50%|█████     | 16/32 [00:00<00:00, 48.90it/s, v_num=0, train_loss_step=0.75, val_loss=1.0]\rEpoch 0: 100%|██████████| 32/32 [00:01<00:00, 48.90it/s, v_num=0, train_loss=0.5, val_loss=0.25]\nEpoch 1: 100%|██████████| 32/32 [00:01<00:00, 48.90it/s, v_num=0, train_loss=0.25, val_loss=0.125]\n";
    let read = run(text);
    assert_eq!(read.history.column("train_loss").unwrap(), [Some(0.5), Some(0.25)]);
    assert_eq!(read.history.column("val_loss").unwrap(), [Some(0.25), Some(0.125)]);
    let outer = " 33%|███▎      | 1/3 [00:00<00:00, 9.0it/s, loss=0.5]\r 66%|███▎      | 2/3 [00:00<00:00, 9.0it/s, loss=0.25]\r100%|██████████| 3/3 [00:00<00:00, 9.0it/s, loss=0.125]\n";
    reads(outer, "step,loss\n1,0.5\n2,0.25\n3,0.125\n");
}

#[test]
fn tables() {
    let fastai = "epoch     train_loss  valid_loss  accuracy  time    \n0         1.5         1.25        0.5       00:15     \n1         1.0         1.125       0.75      00:16     \n";
    let read = run(fastai);
    assert_eq!(
        read.history.to_csv(),
        "epoch,train_loss,valid_loss,accuracy,time\n0,1.5,1.25,0.5,15.0\n1,1.0,1.125,0.75,16.0\n"
    );
    assert_eq!(read.columns.val_accuracy.as_deref(), Some("accuracy"));
    let skorch = "  epoch    train_loss    valid_acc    valid_loss     dur\n-------  ------------  -----------  ------------  ------\n      1        \x1b[36m0.5\x1b[0m       \x1b[32m0.75\x1b[0m        \x1b[35m0.25\x1b[0m  0.125\n      2        0.25       0.875        0.125  0.125\n";
    assert_eq!(run(skorch).history.column("valid_loss").unwrap(), [Some(0.25), Some(0.125)]);
    let marked = "| epoch | train loss | val loss |\n|-------|------------|----------|\n| 1 | 0.5 | 0.25 |\n| 2 | 0.25 | 0.125 |\n";
    assert_eq!(run(marked).history.column("val_loss").unwrap(), [Some(0.25), Some(0.125)]);
}

#[test]
fn dictionaries_and_printed_histories() {
    let hugging_face = " 20%|██        | 20/100 [00:01<00:04]\r{'loss': 0.6927, 'grad_norm': 0.5, 'learning_rate': 5e-05, 'epoch': 0.5}\n{'loss': '0.5', 'learning_rate': '2e-05', 'epoch': '1.0'}\n{'eval_loss': 0.25, 'eval_runtime': 0.5, 'epoch': 1.0}\n";
    let read = run(hugging_face);
    assert!(read.by_step);
    assert_eq!(read.history.column("loss").unwrap(), [Some(0.6927), Some(0.5), None]);
    assert_eq!(read.columns.val_loss.as_deref(), Some("eval_loss"));
    let printed = "done\n{'loss': [0.5, 0.25], 'val_loss': [1.0, nan]}\n";
    assert_eq!(run(printed).history.column("val_loss").unwrap()[0], Some(1.0));
}

#[test]
fn text_around_is_passed_over() {
    let text = "$ python train.py --lr 0.1\nNamespace(epochs=10, lr=0.1, loss='mse')\nepochs: 10\nFound 979 images belonging to 3 classes.\n(60000, 784)\nUsing loss weight: 3\nEpoch 1/2\n - 1s - loss: 0.5\nEpoch 2/2\n - 1s - loss: 0.25\nsaved to out/3/model\n[0.04477085240755678, 0.9922142624855042]\nI get the above output; why does my loss not go down after 2 epochs?\n";
    reads(text, "epoch,loss,seconds\n1,0.5,1.0\n2,0.25,1.0\n");
}

#[test]
fn prose_is_no_log() {
    assert!(
        read("The quick brown fox has 3 legs.\nNo loss here, 5 of them.\n", "", &mut Vec::new()).is_err()
    );
    assert!(read("", "", &mut Vec::new()).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(Epoch [0-9]/[0-9]\n)?([a-z:=\\[\\]|/%0-9.,'{}()eé \\-\r\n\x08\x1b]|loss|acc|val_|epoch|━|nan|\\{'loss': 1){0,60}") {
        let _ = read(&text, "", &mut Vec::new());
    }

    #[test]
    fn keras_lines_read_back(rows in prop::collection::vec((0.0..100.0_f64, 0.0..1.0_f64, -1e3..1e3_f64), 1..20)) {
        let mut text = String::from("noise\n");
        for (epoch, (loss, accuracy, val_loss)) in rows.iter().enumerate() {
            text.push_str(&format!("Epoch {}/{}\n7/7 [======] - 1s 9ms/step - loss: {loss:?} - accuracy: {accuracy:?} - val_loss: {val_loss:?}\n", epoch + 1, rows.len()));
        }
        let run = run(&text);
        let column = |name: &str| -> Vec<f64> { run.history.column(name).unwrap().iter().map(|value| value.unwrap()).collect() };
        prop_assert_eq!(column("loss"), rows.iter().map(|row| row.0).collect::<Vec<_>>());
        prop_assert_eq!(column("accuracy"), rows.iter().map(|row| row.1).collect::<Vec<_>>());
        prop_assert_eq!(column("val_loss"), rows.iter().map(|row| row.2).collect::<Vec<_>>());
    }

    #[test]
    fn printed_lines_read_back(rows in prop::collection::vec((0.0..100.0_f64, 0.0..1e-3_f64), 1..20)) {
        let lines: String = rows.iter().enumerate().map(|(epoch, (train, val))| format!("epoch {epoch}: train loss {train:e}, val loss {val:?}\n")).collect();
        let run = run(&lines);
        let column = |name: &str| -> Vec<f64> { run.history.column(name).unwrap().iter().map(|value| value.unwrap()).collect() };
        prop_assert_eq!(column("train_loss"), rows.iter().map(|row| row.0).collect::<Vec<_>>());
        prop_assert_eq!(column("val_loss"), rows.iter().map(|row| row.1).collect::<Vec<_>>());
    }
}
